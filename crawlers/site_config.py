"""`sites/*.yaml`: selectors, budgets and manners for a store whose pages carry no markup.

In: YAML files beside this module, and those in a workspace's own `sites/`. Out: one `SiteConfig` per host. An
unknown key stops the run.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dataset.settings import parse_settings, read_yaml

SHIPPED = Path(__file__).parent / "sites"
FieldName = Literal[
    "name", "brand", "price", "list_price", "availability", "sku", "colour", "sizes", "categories",
    "description", "images"
]  # fmt: skip


class SiteConfig(BaseModel):
    """One store.

    Selectors are CSS with `::text` or `::attr(x)`; `images` selects elements, whose largest rendition counts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    host: str = Field(description="host name, with the port where it is not the scheme's own")
    selectors: dict[FieldName, str] = Field(default_factory=dict)
    product_links: str | None = Field(None, description="CSS of the links from a listing to products")
    next_links: str | None = Field(None, description="CSS of the links from a listing to its next page")
    currency: str | None = Field(
        None, pattern=r"^[A-Z]{3}$", description="ISO 4217, where the page shows a shared sign"
    )
    max_pages: int | None = Field(None, ge=1)
    delay_s: float | None = Field(None, ge=0)


def site_for(host: str, folders: Iterable[Path] = ()) -> SiteConfig | None:
    """The file whose `host` is this one; a workspace's own folder is looked at before the shipped one."""
    for folder in [*folders, SHIPPED]:
        for path in sorted(folder.glob("*.yaml")) if folder.is_dir() else []:
            site = load_site(path)
            if site.host.lower() == host.lower():
                return site
    return None


def load_site(path: Path) -> SiteConfig:
    """Raises SettingsError for a file that can't be read, is no YAML, or has a key that is not known."""
    return parse_settings(SiteConfig, read_yaml(path), str(path))
