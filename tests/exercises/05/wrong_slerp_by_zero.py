# says: one direction: straight to 4.5, got \[\[\[nan
# %% slerp
def slerp(a, b, t):
    cos = F.cosine_similarity(a, b, dim=1).clamp(-1, 1)
    omega, t = cos.acos()[:, None], t[:, None, None]
    return (((1 - t) * omega).sin() * a + (t * omega).sin() * b) / omega.sin()
