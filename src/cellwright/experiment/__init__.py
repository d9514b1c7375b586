"""Recipes: one strict TOML file per experiment, run stage by stage."""
