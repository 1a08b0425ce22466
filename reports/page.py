"""Turns a report's values into one HTML file that needs no network and runs no script but its own.

In: a template name and its values. Out: HTML text. Autoescape is on; a Content-Security-Policy names our scripts by
hash and forbids every other, every request and every form, so text that slipped through escaping could do nothing.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from reports.chart_tables import chart_table
from reports.wording import in_words, number, plain, size, web_address

TEMPLATES = Path(__file__).with_name("templates")


def render(template: str, values: dict[str, Any], *, charts: bool = True) -> str:
    """HTML of `templates/<template>`; without charts plotly (4.9 MB) stays out."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(plain=plain, words=in_words, num=number, size=size, web=web_address, told=chart_table)
    scripts = [get_plotlyjs(), (TEMPLATES / "page.js").read_text("utf-8")] if charts else []
    scripts = ["\n".join(script.splitlines()) for script in scripts]
    trusted = {
        "style": Markup((TEMPLATES / "page.css").read_text("utf-8")),
        "scripts": [Markup(script) for script in scripts],
        "policy": _policy(scripts),
    }
    return env.get_template(template).render(**values, **trusted)


def _policy(scripts: list[str]) -> str:
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes) or "'none'"
    fixed = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    return f"{fixed}; script-src {allowed}"
