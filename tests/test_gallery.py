"""Portraits by the stored weights of earlier notebooks."""

import pytest

from dlimlib import data, gallery, metrics, report


def quality(name):
    """The Fréchet distance of 500 portraits of the gallery to real ones."""
    real = metrics.features(data.load("toy-faces", size=64, split="test", n=500).float())
    x = gallery.draw(gallery.maker(name), 500)
    assert x.shape == (500, 3, 64, 64) and x.abs().max() <= 1
    return metrics.frechet(real, metrics.features(x))


def test_the_gan_draws_as_notebook_05_says():
    told = report.stored("05_gan")["figures"]["faces_fd"]
    assert abs(quality("GAN") - told) < 3, "500 pictures instead of 2,500"


def test_the_vae_draws_faces_with_norms_counted_anew():
    assert quality("VAE") < 50, "57 with the figures of its training"


def test_codes_are_drawn_by_the_seed():
    net = gallery.maker("GAN")
    assert (gallery.draw(net, 2, seed=1) == gallery.draw(net, 2, seed=1)).all()
    assert (gallery.draw(net, 2, seed=1) != gallery.draw(net, 2, seed=2)).any()


def test_another_name_is_told():
    with pytest.raises(ValueError, match="the gallery holds VAE, GAN, got 'XY'"):
        gallery.maker("XY")
