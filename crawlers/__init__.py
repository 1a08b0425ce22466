"""The crawling room: a shop's address in, product rows, image bytes and coded attempts out. Imports `dataset` only."""
