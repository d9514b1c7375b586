"""Classical segmentation on 2-D arrays: thresholds, watershed, merging, refinement."""
