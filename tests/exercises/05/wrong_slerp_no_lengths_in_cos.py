# says: pairs at 90, 60 and 0 degrees
# %% slerp
def slerp(a, b, t):
    cos = (a * b).sum(1).clamp(-1, 1)
    omega, t = cos.acos()[:, None], t[:, None, None]
    turn = ((1 - t) * omega).sin() * a + (t * omega).sin() * b
    flat = omega.sin() < 1e-4
    return torch.where(flat, (1 - t) * a + t * b, turn / omega.sin().where(~flat, 1))
