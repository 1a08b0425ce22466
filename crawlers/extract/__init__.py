"""Pure functions from the bytes of a page and its URL to products. No network, no files, no tables."""
