"""How good a picture, a segmentation or a set of generated pictures is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from ..pictures import IGNORE, also_range
from . import nets

if TYPE_CHECKING:
    from ..data import Images

    Pictures = torch.Tensor | Images
    Range = tuple[float, float]  # what black and white are

EYES, MOUTH, GLASSES = 3, 5, 6  # in the label maps of toy-faces
READER = nets.newest("faces")  # a new net gives other distances: say beside each which reader measured it


def _pair(x, y, value_range):
    """Two batches of floats in [0, 1]; raises when their shapes differ."""
    if x.shape != y.shape or x.dim() != 4:
        raise ValueError(f"both must be (N, C, H, W) and alike, got {tuple(x.shape)} and {tuple(y.shape)}")
    low, high = value_range
    return [(t.detach().float().clamp(low, high) - low) / (high - low) for t in (x, y)]


@also_range
def psnr(x: torch.Tensor, y: torch.Tensor, *, value_range: Range = (-1, 1)) -> torch.Tensor:
    """Peak signal-to-noise ratio of each picture (N,) in dB: 10 log10(1 / mean squared error in [0, 1])."""
    x, y = _pair(x, y, value_range)
    return -10 * (x - y).square().flatten(1).mean(1).log10()


@also_range
def ssim(x: torch.Tensor, y: torch.Tensor, *, value_range: Range = (-1, 1)) -> torch.Tensor:
    """Structural similarity of each picture (N,), 1 when equal (Wang et al. 2004)."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    x, y = _pair(x, y, value_range)
    each = structural_similarity_index_measure(x, y, data_range=1.0, reduction="none")
    return torch.as_tensor(each).reshape(len(x))


def confusion(pred: torch.Tensor, target: torch.Tensor, classes: int) -> torch.Tensor:
    """Count pixels: row = the true class, column = the predicted one, (K, K) int64; those whose target is 255
    are left out."""
    pred, target = (torch.as_tensor(t).flatten().long() for t in (pred, target))
    if len(pred) != len(target):
        raise ValueError(f"pred and target must be equally many, got {len(pred)} and {len(target)}")
    pred, target = (t[target != IGNORE] for t in (pred, target))
    for name, t in (("pred", pred), ("target", target)):
        if len(t) and not 0 <= t.min() <= t.max() < classes:
            raise ValueError(f"{name} must lie in 0 to {classes - 1}, got {t.min()} to {t.max()}")
    return torch.bincount(target * classes + pred, minlength=classes**2).view(classes, classes)


def iou(confusion: torch.Tensor) -> torch.Tensor:
    """Intersection over union of each class (K,) from a confusion matrix; NaN where a class is absent."""
    hits = confusion.diagonal().double()
    return hits / (confusion.sum(0) + confusion.sum(1) - confusion.diagonal())


def eyes_and_mouth(labels: torch.Tensor) -> torch.Tensor:
    """Whether label maps (N, H, W) of toy-faces' classes show an eye or a glass on either side, and a mouth
    below them, (N,) bool."""
    eyes, mouth = (labels == EYES) | (labels == GLASSES), labels == MOUTH
    H, W = labels.shape[1:]

    def share(part):
        return part.sum((1, 2)) / (H * W)

    def centre(part, keep, length):
        place = torch.arange(length, device=labels.device, dtype=torch.float)
        mean = (part.sum(keep) * place).sum(1) / part.sum((1, 2)).clamp(min=1)
        aside = (place - mean[:, None]).square()
        return mean, ((part.sum(keep) * aside).sum(1) / part.sum((1, 2)).clamp(min=1)).sqrt()

    (eye_row, _), (mouth_row, _) = (centre(part, 2, H) for part in (eyes, mouth))
    _, apart = centre(eyes, 1, W)
    return (share(eyes) > 0.002) & (share(mouth) > 0.001) & (apart > W / 13) & (mouth_row > eye_row)


@also_range
def features(
    x: Pictures, kind: str = "faces", *, value_range: Range = (-1, 1), reader: int | None = None
) -> torch.Tensor:
    """Features (N, D) of pictures, from the course's own net for "faces" or "digits"; D is at most 64.

    Distances compare within one reader only; the newest is the default, the faces' has the number READER."""
    return nets.run(kind, x, value_range, reader)["features"]


def frechet(real: torch.Tensor, fake: torch.Tensor) -> float:
    """Fréchet distance between two sets of features (N, D), taken for Gaussians (Heusel et al. 2017)."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    real, fake = _feature_sets(real, fake)
    passing = nn.Identity()
    passing.num_features = real.shape[1]  # type: ignore[assignment]
    metric = FrechetInceptionDistance(feature=passing)
    metric.update(real, real=True)
    metric.update(fake, real=False)
    return max(0.0, float(metric.compute()))


def frechet_floor(real: torch.Tensor, n: int, *, seed: int = 0) -> float:
    """Fréchet distance between two disjoint random halves of real features (N, D), n each: what a perfect
    generator would score with n pictures. Needs 2 n rows."""
    if len(real) < 2 * n:
        raise ValueError(f"the floor at n = {n} needs {2 * n} real pictures, got {len(real)}")
    order = torch.randperm(len(real), generator=torch.Generator().manual_seed(seed))
    return frechet(real[order[:n]], real[order[n : 2 * n]])


def precision_recall(
    real: torch.Tensor, fake: torch.Tensor, k: int = 3, *, chunk: int = 1000
) -> tuple[float, float]:
    """Share of fake features (N, D) within the real manifold, and of real ones within the fake manifold: the
    balls around each point that reach to its k-th neighbour (Kynkäänniemi et al. 2019)."""
    real, fake = _feature_sets(real, fake, least=k + 1)
    return _covered(fake, real, k, chunk), _covered(real, fake, k, chunk)


def principal_gaussian(images: Images, n: int, components: int = 50, *, seed: int = 0) -> torch.Tensor:
    """Draw n pictures (n, C, H, W) in [-1, 1] from a normal distribution with the mean and the principal
    components of the images: the baseline without learning for generated pictures."""
    x = images.float()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _, scale, ways = torch.pca_lowrank(x.flatten(1), q=components, niter=4)
        z = torch.randn(n, components) * scale / len(x) ** 0.5
    return (x.mean(0) + (z @ ways.T).view(n, *x.shape[1:])).clamp(-1, 1)


def nearest(x: torch.Tensor, images: Images, *, chunk: int = 250) -> tuple[torch.Tensor, torch.Tensor]:
    """Find for each picture x (N, C, H, W), floats in [-1, 1], the nearest of the images, pixel by pixel:
    Euclidean distances (N,) and indices (N,) on the CPU."""
    known = images.float(device=x.device).flatten(1)
    found = [torch.cdist(part.flatten(1), known).min(1) for part in x.split(chunk)]
    return torch.cat([f.values for f in found]).cpu(), torch.cat([f.indices for f in found]).cpu()


def _covered(points, by, k, chunk):
    """Share of the points that lie in one of the k-neighbour balls around `by`."""
    # the nearest neighbour of each point is the point itself
    radii = torch.cat([torch.cdist(part, by).kthvalue(k + 1, 1).values for part in by.split(chunk)])
    inside = [(torch.cdist(part, by) <= radii).any(1) for part in points.split(chunk)]
    return float(torch.cat(inside).double().mean())


def _feature_sets(real, fake, least=None):
    """Both sets as float64 on the CPU; raises when widths differ, when one is too small or not finite."""
    sets = [torch.as_tensor(t).detach().cpu().double() for t in (real, fake)]
    if any(t.dim() != 2 for t in sets) or sets[0].shape[1] != sets[1].shape[1]:
        raise ValueError(f"features must be (N, D) of one width, got {[tuple(t.shape) for t in sets]}")
    least = least or sets[0].shape[1] + 1
    for t in sets:
        if len(t) < least:
            raise ValueError(f"{sets[0].shape[1]} features need at least {least} pictures, got {len(t)}")
        if not t.isfinite().all():
            raise ValueError("the features hold NaN or infinite numbers")
    return sets


@also_range
def read_factors(
    x: Pictures, *, value_range: Range = (-1, 1), reader: int = READER
) -> dict[str, torch.Tensor]:
    """Factors of faces as a net reads them off the pictures: dict name -> (N,) or (N, k) in the units of
    `faces.sample` (yaw, pitch, roll in radians; colours rgb; style: probabilities).

    Not to be trusted, because 64 pixels hardly show them: `brow_up`, `fringe` and `volume` (R² below 0.5 on
    new clean portraits). Gaze and iris say nothing where eyes are shut or behind shades, nor does the hair's
    colour where there is none. accuracy.json holds the R² of each factor, on clean and on blurred portraits.
    """
    return nets.factors(nets.run("faces", x, value_range, reader), nets.load("faces", reader))


@also_range
def read_digits(x: Pictures, *, value_range: Range = (-1, 1)) -> torch.Tensor:
    """Probabilities (N, 10) of the ten digits, as a net reads them off the pictures."""
    return nets.run("digits", x, value_range)["read"][:, :10].softmax(1)


@also_range
def identity_vector(x: Pictures, *, value_range: Range = (-1, 1), reader: int = READER) -> torch.Tensor:
    """Who is seen, (N, D): the identity factors as the net reads them, each with standard deviation 1 over
    many faces, so that the distance between two rows says how much two faces resemble each other."""
    return nets.identity(read_factors(x, value_range=value_range, reader=reader), reader)
