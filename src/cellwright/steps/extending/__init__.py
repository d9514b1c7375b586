"""Parts of `cellwright.steps.extend`: what there is, what is made of it, and who remembers."""

from __future__ import annotations
