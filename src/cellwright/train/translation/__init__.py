"""Training of translators: pairs of crops, the adversarial game, the autoencoder, the loop."""
