"""Tests in a real window, which only ``make test-gui`` runs."""

from __future__ import annotations

import os

collect_ignore_glob = [] if os.environ.get("CELLWRIGHT_GUI") else ["test_*.py"]
