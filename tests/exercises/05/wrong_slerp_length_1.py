# says: it must begin at a
# %% slerp
def slerp(a, b, t):
    a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    cos = (a * b).sum(1).clamp(-1, 1)
    omega, t = cos.acos()[:, None], t[:, None, None]
    turn = ((1 - t) * omega).sin() * a + (t * omega).sin() * b
    flat = omega.sin() < 1e-4
    return torch.where(flat, (1 - t) * a + t * b, turn / omega.sin().where(~flat, 1))
