"""img2dataset in the crawl benchmark, on the plain list of URLs; run by the Python of its own virtual environment.

In: a contender's command line. Out: a folder of original bytes, one line. One process, 16 threads, its defaults but for
what keeps the bytes: `resize_mode=no`, `skip_reencode`; it decodes each image, which says width and height, and obeys
opt-out headers. `mended` keeps one SSL context per process where the release has urllib make one per connection (with
--https: a plain http list shows no difference). `bare` is its cheapest: mended, nothing decoded, no EXIF. Never touches
the installed package.
"""

from __future__ import annotations

import functools
import json
import ssl
import sys
from typing import Any

import crawl_words
import img2dataset
from crawl_words import CONCURRENCY, Words

RELEASED, MENDED, BARE = "img2dataset", "img2dataset mended", "img2dataset bare"


def _mend() -> None:
    kept = functools.cache(ssl.create_default_context)
    library: Any = ssl  # both names: http.client calls the private one
    library.create_default_context = library._create_default_https_context = kept


def _download(words: Words) -> int:
    shards = words.out / "shards"
    img2dataset.download(
        url_list=str(words.urls), output_folder=str(shards), output_format="files", input_format="txt",
        processes_count=1, thread_count=CONCURRENCY, resize_mode="no", skip_reencode=True, enable_wandb=False,
        disable_all_reencoding=words.name == BARE, extract_exif=words.name != BARE,
    )  # fmt: skip
    return sum(json.loads(path.read_text())["successes"] for path in shards.glob("*_stats.json"))


def main() -> None:
    crawl_words.say(_download(crawl_words.read(__doc__, [RELEASED, MENDED, BARE])))


if __name__ in ("__main__", "__mp_main__") and {MENDED, BARE} & set(sys.argv):
    _mend()  # here, because the worker process that downloads is spawned: it imports this file and knows no more
if __name__ == "__main__":
    main()
