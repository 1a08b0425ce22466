"""Stock Scrapy in the crawl benchmark: the pages alone, and with its own ImagesPipeline or FilesPipeline.

In: a contender's command line. Out: a folder of files, one line. Settings are fair: 16 requests at a time, no delay, no
AutoThrottle, robots.txt obeyed, nothing logged, no consoles. Links are extracted where a spider needs them (front page
and listings), a product page costs one CSS select, so that stock Scrapy pays for no work of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import crawl_words
from crawl_words import AGENT, CONCURRENCY, Words
from scrapy import Request, Spider, signals
from scrapy.crawler import CrawlerProcess
from scrapy.http import Response, TextResponse
from scrapy.linkextractors import LinkExtractor

PIPELINES = {
    "pages alone": None,
    "ImagesPipeline": "scrapy.pipelines.images.ImagesPipeline",
    "FilesPipeline": "scrapy.pipelines.files.FilesPipeline",
}
FIELD = {"ImagesPipeline": "image_urls", "FilesPipeline": "file_urls", "pages alone": "found"}
KEPT = {"ImagesPipeline": "images", "FilesPipeline": "files", "pages alone": "none"}


class StoreSpider(Spider):
    name = "store"

    def __init__(self, url: str, field: str, kept: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start_urls, self._field, self._kept = [f"{url}/"], field, kept
        self._links = LinkExtractor(allow=(r"/products/", r"/collections/"))
        self.images = 0

    def parse(self, response: Response, **kwargs: Any) -> Iterator[Request]:
        assert isinstance(response, TextResponse)
        for link in self._links.extract_links(response):
            is_product = "/products/" in link.url
            yield Request(link.url, callback=self.parse_product if is_product else self.parse)

    def parse_product(self, response: Response) -> Iterator[dict[str, Any]]:
        found = response.css("a.gallery__item::attr(href)").getall()
        yield {"url": response.url, self._field: [response.urljoin(path) for path in found]}

    def item_scraped(self, item: dict[str, Any]) -> None:
        self.images += len(item.get(self._kept, ()))


def settings(words: Words) -> dict[str, Any]:
    pipeline = PIPELINES[words.name]
    return {
        "ITEM_PIPELINES": {pipeline: 1} if pipeline else {},
        "IMAGES_STORE": str(words.out),
        "FILES_STORE": str(words.out),
        "CONCURRENT_REQUESTS": CONCURRENCY,
        "CONCURRENT_REQUESTS_PER_DOMAIN": CONCURRENCY,
        "DOWNLOAD_DELAY": 0,
        "AUTOTHROTTLE_ENABLED": False,
        "ROBOTSTXT_OBEY": True,
        "USER_AGENT": AGENT,
        "LOG_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
    }


def main() -> None:
    words = crawl_words.read(__doc__, list(PIPELINES))
    process = CrawlerProcess(settings(words))
    crawler = process.create_crawler(StoreSpider)
    process.crawl(crawler, url=words.url, field=FIELD[words.name], kept=KEPT[words.name])
    crawler.signals.connect(lambda item, spider: spider.item_scraped(item), signals.item_scraped, weak=False)
    process.start()
    assert isinstance(crawler.spider, StoreSpider)
    crawl_words.say(crawler.spider.images)


if __name__ == "__main__":
    main()
