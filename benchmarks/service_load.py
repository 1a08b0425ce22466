"""The load of benchmarks/service.py: locust's users, each posting one photo after another to /v1/tag.

Run by `python -m locust -f`; MODISTE_LOAD_PHOTO is the file that is sent. Prints nothing of its own.
"""

from __future__ import annotations

import os
from pathlib import Path

from locust import FastHttpUser, constant, task

PHOTO = Path(os.environ.get("MODISTE_LOAD_PHOTO", "photo.jpg"))


class Seller(FastHttpUser):
    """No pause between two photos."""

    wait_time = constant(0)

    def on_start(self) -> None:
        self.photo = PHOTO.read_bytes()

    @task
    def tag(self) -> None:
        with self.client.post(
            "/v1/tag", files={"image": ("photo.jpg", self.photo, "image/jpeg")}, catch_response=True
        ) as answer:
            if answer.status_code != 200 or b'"error"' in answer.content:
                answer.failure(f"{answer.status_code} {answer.content[:100]!r}")
