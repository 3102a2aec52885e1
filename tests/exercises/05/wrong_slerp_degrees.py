# says: between two codes of length 3
# %% slerp
def slerp(a, b, t):
    cos = F.cosine_similarity(a, b, dim=1).clamp(-1, 1)
    omega, t = torch.rad2deg(cos.acos())[:, None], t[:, None, None]
    flat = omega.sin().abs() < 1e-4
    turn = (((1 - t) * omega).sin() * a + (t * omega).sin() * b) / omega.sin().where(~flat, 1)
    return torch.where(flat, (1 - t) * a + t * b, turn)
