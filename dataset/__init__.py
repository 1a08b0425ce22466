"""What a row, an image, a mask, a label and a version are. Imports no other room."""
