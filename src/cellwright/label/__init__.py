"""Labels without training: classical segmenters, shape filters and a confidence per cell."""
