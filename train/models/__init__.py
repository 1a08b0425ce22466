"""The networks: what a recipe's `architecture` and `backbone` words stand for."""
