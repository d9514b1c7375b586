"""Codecs: instances to training targets and network outputs back to instances."""
