"""Modiste in the crawl benchmark: the whole store, the store with every image decoded, and a plain list of images.

In: a contender's command line. Out: a fresh workspace (policy, header checks, original bytes, tables), one line.
`ours` is `crawl`; `ours pages` the same of a store without images; `ours + decode` decodes each kept image besides, in
this process; `ours + check` runs `check`, which decodes, hashes and scores, in a pool; `ours import` is `import urls`.
--profile writes cProfile's figures of the crawling thread: such a run is slower, and no figure.
"""

from __future__ import annotations

import cProfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import crawl_words
from crawl_words import CONCURRENCY, Words

from crawlers.run import crawl
from dataset.engine_task import keep_freed_memory
from dataset.images import decode
from dataset.workspace import Workspace


def _workspace(words: Words) -> Workspace:
    crawling = {"concurrency": CONCURRENCY, "max_pages": 1_000_000, "delay_s": 0, "allow_hosts": ["127.0.0.1"]}
    return Workspace.init(words.out / "ws", contact="bench@shop.example", crawl=crawling)


def _crawl(words: Words) -> int:
    return crawl(_workspace(words), words.url).images_ok


def _crawl_and_check(words: Words) -> int:
    from dataset.check import check  # here: the other contenders do not pay for it

    ws = _workspace(words)
    crawl(ws, words.url)
    result = check(ws)
    return result.checked - result.bad


def _crawl_and_decode(words: Words) -> int:
    ws = _workspace(words)
    crawl(ws, words.url)
    kept = ws.tables.read("fetches", columns=["sha256"], where="status = 'ok'").column("sha256")
    keep_freed_memory()  # as the workers of `check` do
    return sum(decode(ws.blobs.get(sha256)).width > 0 for sha256 in kept.unique().to_pylist())


def _import(words: Words) -> int:
    """Images by `crawlers.url_list.import_urls(workspace, file)`."""
    done = import_module("crawlers.url_list").import_urls(_workspace(words), words.urls)
    return int(done.images_ok)


CONTENDERS: dict[str, Callable[[Words], int]] = {
    "ours": _crawl,
    "ours pages": _crawl,  # against the same store without images
    "ours + decode": _crawl_and_decode,
    "ours + check": _crawl_and_check,
    "ours import": _import,
}


def profiled(run: Callable[[Words], int], words: Words, file: Path) -> int:
    profile = cProfile.Profile()
    images = profile.runcall(run, words)
    profile.dump_stats(file)
    return images


def main() -> None:
    words = crawl_words.read(__doc__, list(CONTENDERS))
    run = CONTENDERS[words.name]
    crawl_words.say(profiled(run, words, words.profile) if words.profile else run(words))


if __name__ == "__main__":
    main()
