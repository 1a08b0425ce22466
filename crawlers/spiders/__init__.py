"""Scrapy spiders: they ask for pages and hand what a page holds to the durable queue."""
