# says: two rows down
# %% shift
def shift(x, rows, columns):
    h, w = x.shape[2:]
    rows, columns = min(rows, 1), min(columns, 1)
    return F.pad(x, (columns, 0, rows, 0))[:, :, :h, :w]
