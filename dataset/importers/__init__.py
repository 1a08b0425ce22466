"""Data sets in the layouts of others, brought into a workspace: one reader a layout, one writer for all of them."""
