"""Tiling: windows with halos, and what joins their results."""
