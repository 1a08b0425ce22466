"""The floor of the crawl benchmark: a bare aiohttp downloader that writes sha256 files, with no page, rule or row.

In: a contender's command line; the images are those of the --urls file. Out: files named by sha256 in one folder, one
line. Never looks at a header or robots.txt, nor writes beside and renames: the least this client can do and keep bytes.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import crawl_words
from crawl_words import AGENT, CONCURRENCY, Words


async def _worker(session: aiohttp.ClientSession, urls: Iterator[str], out: Path) -> int:
    """The workers share one iterator: each takes the next address when it is done with one."""
    done = 0
    for url in urls:
        async with session.get(url) as answer:
            body = await answer.read()
        name = hashlib.sha256(body).hexdigest()
        (out / name).write_bytes(body)
        done += answer.status == 200
    return done


async def _download(words: Words) -> int:
    urls = iter(words.urls.read_text().split())
    async with aiohttp.ClientSession(headers={"User-Agent": AGENT}) as session:
        return sum(await asyncio.gather(*(_worker(session, urls, words.out) for _ in range(CONCURRENCY))))


def main() -> None:
    words = crawl_words.read(__doc__, ["bare aiohttp"])
    crawl_words.say(asyncio.run(_download(words)))


if __name__ == "__main__":
    main()
