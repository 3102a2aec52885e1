"""Networks of earlier notebooks: they hold the weights that those notebooks recorded."""

import torch

from dlimlib import data, models, pretrained


def test_the_face_nets_are_those_of_notebook_01():
    x = data.load("toy-faces", size=64, split="test", n=16).float()
    E, D = models.face_encoder((3, 64, 64), 64), models.face_decoder((3, 64, 64), 64)
    pretrained.load("01_autoencoder", E=E, D=D)
    with torch.no_grad():
        z = E.eval()(x)
        x_hat = D.eval()(z)
    assert z.shape == (16, 64) and x_hat.shape == x.shape
    assert (x_hat - x).square().mean() < 0.03, "they redraw people as notebook 01 says, about 0.0145"
