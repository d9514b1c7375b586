"""One function per command: files in, files out. The command line and the recipes call these."""
