# says: pairs at 90, 60 and 0 degrees
# %% slerp
def slerp(a, b, t):
    cos = F.cosine_similarity(a.flatten(), b.flatten(), dim=0).clamp(-1, 1)
    omega, t = cos.acos(), t[:, None, None]
    if omega.sin() < 1e-4:
        return (1 - t) * a + t * b
    return (((1 - t) * omega).sin() * a + (t * omega).sin() * b) / omega.sin()
