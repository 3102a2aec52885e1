"""Static figures in the course's one look; every function returns its Figure, or the Axes it was given."""

from ..pictures import to_uint8
from .curves import curve, history, latent, matrix, seeds
from .diagram import network
from .grids import animation, images, landscape, paint
from .style import COLOURS, PALETTE, figure
from .wiring import schematic

__all__ = ["COLOURS", "PALETTE", "animation", "curve", "figure", "history", "images"]
__all__ += ["landscape", "latent", "matrix", "network", "paint", "schematic", "seeds", "to_uint8"]
