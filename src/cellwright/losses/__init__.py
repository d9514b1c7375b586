"""Criteria: they know torch and nothing of the rest."""
