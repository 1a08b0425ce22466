"""Snapshots in the layouts of others: one writer a format, one frame that makes a folder whole or not at all."""
