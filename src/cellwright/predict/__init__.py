"""A trained method as a tiled `Segmenter` for frames of any size."""

from cellwright.geometry.diameter import typical_diameter
from cellwright.predict.adapted import Adapted
from cellwright.predict.predictor import Predictor, predictor_for
from cellwright.predict.windows import Tiling, placed

__all__ = ["Adapted", "Predictor", "Tiling", "placed", "predictor_for", "typical_diameter"]
