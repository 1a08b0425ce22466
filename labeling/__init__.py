"""Pictures into labels one would bet a model on: masks, tags, colours, and a person's verdict on each of them."""
