"""The front door: the command line and the demo. Imports every room, and only when a command needs it."""
