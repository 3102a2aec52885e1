"""Static figures in the course's one look; every function returns its Figure, or the Axes it was given."""

from ..pictures import to_uint8
from .curves import curve, history, latent, matrix
from .diagram import network
from .grids import animation, images, paint
from .style import COLOURS, PALETTE, figure
from .wiring import schematic

__all__ = ["COLOURS", "PALETTE", "animation", "curve", "figure", "history", "images", "latent", "matrix"]
__all__ += ["network", "paint", "schematic", "to_uint8"]
