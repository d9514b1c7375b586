"""A trained method as a tiled `Segmenter` for frames of any size."""

from cellwright.predict.predictor import Predictor, predictor_for
from cellwright.predict.windows import Tiling, placed

__all__ = ["Predictor", "Tiling", "placed", "predictor_for"]
