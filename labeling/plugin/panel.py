"""The plugin's panel: how far the review is, the last reviews, and a button for each operator.

In: the data set behind the App. Out: a panel beside the grid. Its text comes from the tables and is shown as text:
nothing scraped is rendered as Markdown.
"""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from labeling import curation_actions as actions

URI = "@modiste/curation/"
BUTTONS = (
    ("accept", "Accept", "check_circle"),
    ("reject", "Reject", "cancel"),
    ("relabel", "Relabel …", "label"),
    ("rebuild_mask", "Rebuild mask …", "refresh"),
    ("send_to_annotation", "Send to annotation …", "send"),
    ("bring_back", "Bring back …", "download"),
    ("freeze_snapshot", "Freeze snapshot …", "ac_unit"),
    ("pull", "Pull tags and edits …", "sync"),
)


class ModistePanel(foo.Panel):
    @property
    def config(self) -> Any:
        return foo.PanelConfig(
            name="modiste_panel", label="Modiste", icon="checkroom", surfaces="grid modal", allow_multiple=False
        )

    def on_load(self, ctx: Any) -> None:
        self._count(ctx)

    def on_change_dataset(self, ctx: Any) -> None:
        self._count(ctx)

    def on_change_selected(self, ctx: Any) -> None:
        ctx.panel.state.chosen = _chosen(ctx)

    def on_change_view(self, ctx: Any) -> None:
        ctx.panel.state.chosen = _chosen(ctx)

    def refresh(self, ctx: Any) -> None:
        self._count(ctx)

    def render(self, ctx: Any) -> Any:
        panel = types.Object()
        panel.str("chosen", label="The buttons are about", view=types.LabelValueView(read_only=True))
        for name, label, icon in BUTTONS:
            panel.btn(name, label=label, icon=icon, on_click=self._prompt(name), variant="outlined")
        panel.str("progress", label="Reviewed", view=types.LabelValueView(read_only=True))
        panel.str("contradicted", label="Sources contradict", view=types.LabelValueView(read_only=True))
        panel.str("last", label="Last review", view=types.LabelValueView(read_only=True))
        panel.btn("refresh", label="Count again", icon="autorenew", on_click=self.refresh)
        return types.Property(panel, view=types.GridView(orientation="vertical", gap=1, align_x="left", px=2, py=1))

    def _prompt(self, name: str) -> Any:
        return getattr(self, f"do_{name}")

    def _count(self, ctx: Any) -> None:
        counts = actions.progress_of(ctx.dataset)
        ctx.panel.state.chosen = _chosen(ctx)
        ctx.panel.state.progress = f"{counts.reviewed} of {counts.samples}"
        ctx.panel.state.contradicted = f"{counts.contradicted}"
        ctx.panel.state.last = counts.last or "none yet"


def _prompting(name: str) -> Any:
    """A method that opens the operator's form."""

    def do(self: ModistePanel, ctx: Any) -> None:
        ctx.prompt(URI + name, on_success=self.refresh)

    do.__name__ = f"do_{name}"
    return do


for _name, _, _ in BUTTONS:
    setattr(ModistePanel, f"do_{_name}", _prompting(_name))


def _chosen(ctx: Any) -> str:
    count = len(ctx.selected or [])
    return f"{count} selected" if count else f"all {len(ctx.view)} of this view"
