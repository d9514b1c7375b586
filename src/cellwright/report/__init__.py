"""The report: one self-contained HTML page from models, predictions, scores and data sets.

Sources are recognised in `sources`, turned into sections in `sections`, and put on a
page in `html`; `overlay`, `figures` and `tables` draw the parts. Nothing on the page
is loaded from anywhere, and no script runs on it.
"""
