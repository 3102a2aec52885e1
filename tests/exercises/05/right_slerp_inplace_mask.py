# %% slerp
def slerp(a, b, t):
    s = t[:, None, None]
    omega = F.cosine_similarity(a, b).clamp(-1, 1).acos()[:, None]
    z = (((1 - s) * omega).sin() * a + (s * omega).sin() * b) / omega.sin()
    straight = (1 - s) * a + s * b
    flat = omega[:, 0] < 1e-3
    z[:, flat] = straight[:, flat]
    return z
