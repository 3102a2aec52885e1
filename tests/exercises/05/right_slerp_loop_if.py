# %% slerp
def slerp(a, b, t):
    ways = []
    for a_i, b_i in zip(a, b):
        cos = (a_i @ b_i / (a_i.norm() * b_i.norm())).clamp(-1, 1)
        omega = torch.acos(cos)
        share = t[:, None]
        if omega.sin() < 1e-3:
            ways.append((1 - share) * a_i + share * b_i)
        else:
            way = torch.sin((1 - share) * omega) * a_i + torch.sin(share * omega) * b_i
            ways.append(way / torch.sin(omega))
    return torch.stack(ways, 1)
