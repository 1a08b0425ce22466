"""Scrapy's settings for a crawl of ours: what its defaults get wrong for a guest in other people's shops is set here.

In: a workspace's settings, the host's delay. Out: a plain dict for `AsyncCrawlerRunner`.
"""

from __future__ import annotations

from typing import Any

from dataset.settings import Settings

MAX_SITEMAP_BYTES = 64 * 1024 * 1024  # the protocol allows 50 MB
MAX_PAGE_BYTES = 16 * 1024 * 1024
VERSION = "1.0"


def agent(contact: str) -> str:
    """The User-Agent: who asks, and whom to write to."""
    return f"modiste/{VERSION} (+{contact})" if contact else f"modiste/{VERSION}"


def scrapy_settings(settings: Settings, *, delay_s: float, loopback: bool) -> dict[str, Any]:
    """Pages only. Robots, redirect targets and addresses are judged by our own gate (`crawlers.download`)."""
    return {
        "TWISTED_REACTOR_ENABLED": False,  # one asyncio loop for pages and images
        "SCHEDULER": "crawlers.frontier.Frontier",
        "DOWNLOAD_HANDLERS": dict.fromkeys(("http", "https"), "crawlers.download.PageHandler"),
        "DOWNLOADER_MIDDLEWARES_BASE": {  # the client does what the others are for: agent, gzip, deadline, no cookies
            "crawlers.download.GateMiddleware": 10,
            "scrapy.downloadermiddlewares.defaultheaders.DefaultHeadersMiddleware": 400,
            "scrapy.downloadermiddlewares.retry.RetryMiddleware": 550,
            "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": 600,
        },
        "SPIDER_MIDDLEWARES_BASE": {
            "scrapy.spidermiddlewares.start.StartSpiderMiddleware": 25,
            "scrapy.spidermiddlewares.httperror.HttpErrorMiddleware": 50,
            "scrapy.spidermiddlewares.referer.RefererMiddleware": 700,  # RedirectMiddleware leans on it
            "scrapy.spidermiddlewares.urllength.UrlLengthMiddleware": 800,
        },
        "REFERRER_POLICY": "no-referrer",
        "EXTENSIONS_BASE": {},  # the pace of each host (crawlers.pace) does AutoThrottle's part, for images too
        "CONCURRENT_ITEMS": 1,  # Scrapy makes so many tasks a page for its items, and a page of ours yields none
        "RETRY_EXCEPTIONS": [
            "scrapy.exceptions.CannotResolveHostError",
            "scrapy.exceptions.DownloadConnectionRefusedError",
            "scrapy.exceptions.DownloadFailedError",
            "scrapy.exceptions.DownloadTimeoutError",
        ],  # the default names Twisted's too, which takes 0.3 s to import
        "ROBOTSTXT_OBEY": False,  # leaks what waits for robots.txt; the gate obeys instead
        "REMOTE_CONTROL_ENABLED": False,  # executes code sent to a port
        "TELNETCONSOLE_ENABLED": False,
        "COOKIES_ENABLED": False,
        "METAREFRESH_ENABLED": False,
        "REDIRECT_MAX_TIMES": 5,
        "RETRY_TIMES": 2,
        "RETRY_GIVE_UP_LOG_LEVEL": "DEBUG",
        "CONCURRENT_REQUESTS": settings.crawl.concurrency,
        "CONCURRENT_REQUESTS_PER_DOMAIN": settings.crawl.concurrency,
        "DOWNLOAD_TIMEOUT": settings.crawl.timeout_s,
        "DOWNLOAD_DELAY": 0 if loopback else delay_s,
        "USER_AGENT": agent(settings.contact),
        "LOG_ENABLED": False,
        "STATS_DUMP": False,
        "URLLENGTH_LIMIT": 4_096,
    }
