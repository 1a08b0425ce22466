"""The FiftyOne plugin: buttons in the App for what `modiste curate` does. `install` puts it where the App looks."""
