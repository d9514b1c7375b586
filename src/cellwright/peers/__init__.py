"""Other people's segmenters, run and scored by the same code as ours; extra ``peers``."""
