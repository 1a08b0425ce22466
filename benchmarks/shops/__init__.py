"""Real shop systems on loopback, filled with known goods; what their own databases list is the truth."""
