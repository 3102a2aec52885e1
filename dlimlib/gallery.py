"""Makers of portraits from earlier notebooks, with the course's weights, to be set beside a new one."""

import torch
from torch import nn

from . import models, pretrained
from .data import in_batches

Z = 64  # numbers in a code of either
SHAPE = (3, 64, 64)


def _vae():
    D, E = models.face_decoder(SHAPE, Z), models.face_encoder(SHAPE, 2 * Z)
    pretrained.load("03_vae-faces", D=D, E=E)
    models.count_norms_anew(D, [(part,) for part in _codes(2_500, seed=-1).split(100)])  # as notebook 03 does
    return D


def _gan():
    G_ema, G = models.gan_generator(SHAPE, Z), models.gan_generator(SHAPE, Z)
    pretrained.load("05_gan-faces", G_ema=G_ema, G=G)
    return G_ema


MAKERS = {"VAE": _vae, "GAN": _gan}


def maker(name: str) -> nn.Module:
    """Return the network of that name in MAKERS, which draws codes (B, 64) from N(0, 1) as portraits
    (B, 3, 64, 64) about in [-1, 1], with its stored weights; raises ValueError for another name."""
    if name not in MAKERS:
        raise ValueError(f"the gallery holds {', '.join(MAKERS)}, got {name!r}")
    return MAKERS[name]().eval()


def draw(net: nn.Module, n: int, *, seed: int = 0) -> torch.Tensor:
    """Draw n random codes with a network of the gallery: portraits (n, 3, 64, 64) in [-1, 1]."""
    return in_batches(net, _codes(n, seed)).clamp(-1, 1)


def _codes(n, seed):
    return torch.randn(n, Z, generator=torch.Generator().manual_seed(seed))
