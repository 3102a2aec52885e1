# %% colour_transform
def colour_transform(x, all_x, all_y):
    flat_x, flat_y = (t.transpose(0, 1).flatten(1) for t in (all_x, all_y))
    mx, my = flat_x.mean(1), flat_y.mean(1)
    sx = (flat_x - mx[:, None]).square().mean(1).sqrt()
    sy = (flat_y - my[:, None]).square().mean(1).sqrt()
    scale = sy / sx
    return torch.clamp(x * scale[:, None, None] + (my - mx * scale)[:, None, None], -1, 1)
# %% exchange
def exchange(pool, x, swaps, slots):
    shown, kept = [], list(pool.unbind(0))
    for picture, swap, slot in zip(x, swaps, slots):
        if swap:
            shown.append(kept[slot])
            kept[slot] = picture
        else:
            shown.append(picture)
    return torch.stack(shown), torch.stack(kept)
