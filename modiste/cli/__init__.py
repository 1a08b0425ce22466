"""One small file a command group; `main.py` puts them together, `frame.py` runs a step the way every command does."""
