"""Networks of earlier notebooks: they hold the weights that those notebooks recorded."""

import pytest
import torch

from dlimlib import data, metrics, models, pretrained
from dlimlib.data import faces


def test_the_face_nets_are_those_of_notebook_01():
    x = data.load("toy-faces", size=64, split="test", n=16).float()
    E, D = models.face_encoder((3, 64, 64), 64), models.face_decoder((3, 64, 64), 64)
    pretrained.load("01_autoencoder", E=E, D=D)
    with torch.no_grad():
        z = E.eval()(x)
        x_hat = D.eval()(z)
    assert z.shape == (16, 64) and x_hat.shape == x.shape
    assert (x_hat - x).square().mean() < 0.03, "they redraw people as notebook 01 says, about 0.0145"


def test_the_face_swap_is_that_of_notebook_01():
    """Its weights fit: A's frames become B, and turn as A does."""
    swap = models.FaceSwap(6)
    pretrained.load("01_autoencoder-people", E=swap.E, norm=swap.norm, D=swap.D)
    scenes = faces.scene(faces.sample(16, seed=99))
    x_A, x_B = (faces.render(faces.combine(faces.person(seed), scenes), 64).float() for seed in (7, 2))
    with torch.no_grad():
        fake = swap.eval()(x_A, 0, 1)
    who, who_A, who_B = map(metrics.identity_vector, (fake, x_A, x_B))
    assert ((who - who_B).norm(dim=1) < (who - who_A).norm(dim=1)).all(), "notebook 01: 100 % are taken for B"
    wrong = (metrics.read_factors(fake)["yaw"] - scenes["yaw"]).abs().rad2deg().median()
    assert wrong < 5, "notebook 01: turned as A is, within 3.1 degrees"


def test_the_unet_is_that_of_notebook_02():
    """Its weights fit, and it labels new portraits as well as notebook 02 says."""
    test = data.load("toy-faces", size=64, split="test", n=64)
    net = models.UNet(3, len(test.mask_classes))
    pretrained.load("02_unet", net=net)
    with torch.no_grad():
        labels = net.eval()(test.float()).argmax(1)
    counts = metrics.confusion(labels, test.mask, len(test.mask_classes))
    assert metrics.iou(counts).nanmean() > 0.8, "notebook 02's mean IoU"


def test_the_unet_takes_other_sizes_and_lets_every_level_learn():
    net = models.UNet(1, 3, (4, 5, 6))
    x = net(torch.randn(2, 1, 12, 20))
    assert x.shape == (2, 3, 12, 20)
    x.square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_the_gan_nets_are_those_of_notebook_05():
    """Its weights fit, and the generator draws pictures that the reader takes for digits."""
    G, G_last = (models.gan_generator((1, 28, 28), 64) for _ in range(2))
    pretrained.load("05_gan", G=G_last, G_ema=G)
    with torch.no_grad():
        x = G.eval()(torch.randn(200, 64, generator=torch.Generator().manual_seed(0)))
    assert x.shape == (200, 1, 28, 28)
    assert metrics.read_digits(x).max(1).values.median() > 0.95, "clear digits, as in notebook 05"


def test_the_average_holds_the_last_tenth_of_the_steps():
    net = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.BatchNorm1d(1))
    average = models.averaged(net)
    for step in range(1000):
        torch.nn.init.constant_(net[0].weight, float(step))
        net[1].running_mean.fill_(step)
        net[1].num_batches_tracked.fill_(step)
        average.update_parameters(net)
    weight, mean = average.module[0].weight.item(), average.module[1].running_mean.item()
    assert 890 < weight == mean < 940, "about the mean of a straight line's last tenth, a little behind it"
    assert average.module[1].num_batches_tracked == 999


def test_norms_are_counted_anew_for_networks_of_several_inputs():
    class Sum(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = torch.nn.BatchNorm1d(2)

        def forward(self, a, b):
            return self.norm(a + b)

    net = Sum().eval()
    net.norm.running_mean.fill_(99.0)
    a, b = torch.randn(2, 4, 50, 2, generator=torch.Generator().manual_seed(0))
    models.count_norms_anew(net, zip(a, b, strict=True))
    assert torch.allclose(net.norm.running_mean, (a + b).mean((0, 1)), atol=1e-5) and not net.training
    assert net.norm.momentum == 0.1, "afterwards it trains as before"


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 64, 64), (3, 32, 32)])
def test_the_gan_nets_take_each_shape(shape):
    G, D = models.gan_generator(shape, 7, 4), models.gan_discriminator(shape, 4)
    x = G(torch.randn(2, 7))
    assert x.shape == (2, *shape) and D(x).shape == (2,)
