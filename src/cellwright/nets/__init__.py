"""Networks: one architecture per file; they know torch and nothing of the rest."""
