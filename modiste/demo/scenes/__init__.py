"""Fashion illustrations drawn by code: people in clothes before backdrops, packshots, and their exact masks
and tags.
"""
