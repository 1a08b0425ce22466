"""Ways to a shop's products: its own API, its sitemaps, its listings. `choose` picks one and says why."""
