"""The parts of `cellwright fish`: frames, channels, nuclei, records, totals, overrules, gallery."""
