"""The command ``cellwright``."""
