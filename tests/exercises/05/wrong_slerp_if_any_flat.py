# says: pairs at 90, 60 and 0 degrees
# %% slerp
def slerp(a, b, t):
    cos = F.cosine_similarity(a, b, dim=1).clamp(-1, 1)
    omega, t = cos.acos()[:, None], t[:, None, None]
    if (omega.sin() < 1e-4).any():
        return (1 - t) * a + t * b
    return (((1 - t) * omega).sin() * a + (t * omega).sin() * b) / omega.sin()
