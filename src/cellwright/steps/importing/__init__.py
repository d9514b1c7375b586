"""Parts of the import: sources, jobs, masks, pixels, fingerprints."""
