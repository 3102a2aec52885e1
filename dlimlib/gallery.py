"""Makers of portraits from earlier notebooks, with the course's weights, to be set beside a new one."""

import torch
from torch import nn

from . import models, pretrained
from .data import in_batches

Z = 64  # numbers in a code of either
SHAPE = (3, 64, 64)


def _vae():
    return "03_vae-faces", {"D": models.face_decoder(SHAPE, Z), "E": models.face_encoder(SHAPE, 2 * Z)}


def _gan():
    return "05_gan-faces", {"G_ema": models.gan_generator(SHAPE, Z), "G": models.gan_generator(SHAPE, Z)}


MAKERS = {
    "VAE": _vae,
    "GAN": _gan,
}  # each returns the name of the weights and their networks, the maker first


def maker(name: str) -> nn.Module:
    """Return the network of that name in MAKERS, which draws codes (B, 64) from N(0, 1) as portraits
    (B, 3, 64, 64) about in [-1, 1], with its stored weights, batch norms counted anew on such codes as in its
    notebook; raises ValueError for another name."""
    if name not in MAKERS:
        raise ValueError(f"the gallery holds {', '.join(MAKERS)}, got {name!r}")
    weights, nets = MAKERS[name]()
    pretrained.load(weights, **nets)
    net = next(iter(nets.values()))
    models.count_norms_anew(net, [(part,) for part in _codes(2_500, seed=-1).split(100)])
    return net.eval()


def draw(net: nn.Module, n: int, *, seed: int = 0) -> torch.Tensor:
    """Draw n random codes with a network of the gallery: portraits (n, 3, 64, 64) in [-1, 1]."""
    return in_batches(net, _codes(n, seed)).clamp(-1, 1)


def _codes(n, seed):
    return torch.randn(n, Z, generator=torch.Generator().manual_seed(seed))
