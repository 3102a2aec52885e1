"""Networks that an earlier notebook built and a later one reuses, layer by layer as they stand there."""

from torch import nn


def face_encoder(shape: tuple[int, int, int], z_dim: int, width: int = 32) -> nn.Sequential:
    """Notebook 01's encoder: pictures (B, *shape) to codes (B, z_dim); shape (C, H, W), multiples of 16."""
    c, h, w = shape
    return nn.Sequential(
        _down(c, width),
        _down(width, 2 * width),
        _down(2 * width, 3 * width),
        _down(3 * width, 3 * width),
        nn.Flatten(),
        nn.Linear(3 * width * (h // 16) * (w // 16), z_dim),
    )


def face_decoder(shape: tuple[int, int, int], z_dim: int, width: int = 32) -> nn.Sequential:
    """Notebook 01's decoder: codes (B, z_dim) to pictures (B, *shape), about in [-1, 1]."""
    c, h, w = shape
    return nn.Sequential(
        nn.Linear(z_dim, 3 * width * (h // 16) * (w // 16)),
        nn.Unflatten(1, (3 * width, h // 16, w // 16)),
        _up(3 * width, 2 * width),
        _up(2 * width, 2 * width),
        _up(2 * width, width),
        nn.Conv2d(width, 4 * c, 3, padding=1),
        nn.PixelShuffle(2),
    )


def _down(c_in, c_out):
    layer = nn.Conv2d(c_in, c_out, 4, stride=2, padding=1)
    return nn.Sequential(layer, nn.BatchNorm2d(c_out), nn.LeakyReLU(0.1))


def _up(c_in, c_out):
    layer = nn.Conv2d(c_in, 4 * c_out, 3, padding=1)
    return nn.Sequential(layer, nn.PixelShuffle(2), nn.BatchNorm2d(c_out), nn.LeakyReLU(0.1))
