"""Reports: one HTML file that says what a workspace holds, what was lost on the way and what the models are worth."""
