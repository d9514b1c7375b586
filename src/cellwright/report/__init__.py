"""The report: one self-contained HTML page from models, predictions, scores and data sets.

Sources are recognised in `sources`, turned into sections in `*_section`, and put on a
page in `html`; `overlay`, `tables`, `figures`, `scatter` and `bars` draw the parts, and
`table_text` writes tables for other programs. Nothing on the page is loaded from
anywhere; it is whole without a script, and runs none but its own (`page*.js`).
"""
