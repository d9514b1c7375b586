"""Training: batches of crops, the loop, the tuning of thresholds."""
