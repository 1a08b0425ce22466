"""The demo: drawn scenes, the catalogue made of them or of photographs, and the shop that serves it."""
