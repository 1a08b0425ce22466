"""The plugin's operators: each asks, then calls one function of `labeling.curation_actions`, as the command line does.

In: the App's selection (else its current view) of a data set that `modiste curate` made. Out: rows in the workspace's
tables, and the samples brought up to date. The person's name is asked for and recorded. FiftyOne loads this module in
the App's own server process, through the file that `labeling.plugin.install` writes.
"""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from dataset.errors import ModisteError
from dataset.several import COMMA
from labeling import curation_actions as actions

MANY = 5000  # images one click may judge


class _Judging(foo.Operator):
    """What all have in common: a name, a label, a form that says how many images it is about, and a message."""

    NAME = ""
    LABEL = ""
    ICON = "check"
    ABOUT = "images"

    @property
    def config(self) -> Any:
        return foo.OperatorConfig(name=self.NAME, label=self.LABEL, icon=self.ICON, dynamic=True)

    def resolve_input(self, ctx: Any) -> Any:
        form = types.Object()
        form.message("about", label=_about(ctx))
        self.ask(ctx, form)
        form.str("reviewer", label="Your name", default=actions.reviewer_name(), required=True)
        return types.Property(form, view=types.View(label=self.LABEL))

    def ask(self, ctx: Any, form: Any) -> None:
        """More questions."""

    def execute(self, ctx: Any) -> dict[str, Any]:
        try:
            message = self.act(ctx)
        except ModisteError as error:
            ctx.ops.notify(str(error), variant="error")
            return {"message": str(error)}
        ctx.dataset.reload()
        ctx.ops.reload_dataset()
        ctx.ops.notify(message, variant="success")
        return {"message": message}

    def act(self, ctx: Any) -> str:
        raise NotImplementedError

    def resolve_output(self, ctx: Any) -> Any:
        said = types.Object()
        said.str("message", label="Result")
        return types.Property(said, view=types.View(label=self.LABEL))


class Accept(_Judging):
    NAME, LABEL, ICON = "accept", "Modiste: accept masks", "check_circle"

    def act(self, ctx: Any) -> str:
        return actions.judge(workspace(ctx), chosen(ctx), "accept", reviewer=reviewer(ctx)).line()


class Reject(_Judging):
    NAME, LABEL, ICON = "reject", "Modiste: reject masks", "cancel"

    def act(self, ctx: Any) -> str:
        return actions.judge(workspace(ctx), chosen(ctx), "reject", reviewer=reviewer(ctx)).line()


class Relabel(_Judging):
    NAME, LABEL, ICON = "relabel", "Modiste: relabel by the taxonomy", "label"

    def ask(self, ctx: Any, form: Any) -> None:
        """Field first; its values follow from it. Fields the taxonomy does not ask of these images are left out."""
        words = actions.vocabulary(workspace(ctx))
        form.enum("field", list(words), label="Field", required=True, view=types.DropdownView())
        field = ctx.params.get("field")
        if field in actions.several(workspace(ctx)):
            choices = types.DropdownView(multiple=True)
            for value in words[field]:
                choices.add_choice(value, label=value)
            form.list("values", types.String(), label="All its values", required=True, view=choices)
        elif field in words:
            form.enum("value", words[field], label="Value", required=True, view=types.AutocompleteView())

    def act(self, ctx: Any) -> str:
        field = str(ctx.params["field"])
        many = field in actions.several(workspace(ctx))
        value = COMMA.join(ctx.params["values"]) if many else str(ctx.params["value"])
        return actions.relabel(workspace(ctx), chosen(ctx), field, value, reviewer=reviewer(ctx)).line()


class RebuildMask(_Judging):
    NAME, LABEL, ICON = "rebuild_mask", "Modiste: rebuild masks with another method", "refresh"

    def ask(self, ctx: Any, form: Any) -> None:
        known = actions.methods(workspace(ctx))
        choices = types.DropdownView()
        for method, label in known.items():
            choices.add_choice(method, label=label)
        form.enum("method", choices.values(), label="Method", default=next(iter(known)), required=True, view=choices)

    def act(self, ctx: Any) -> str:
        return actions.rebuild(workspace(ctx), chosen(ctx), str(ctx.params["method"]), reviewer=reviewer(ctx)).line()


class SendToAnnotation(_Judging):
    NAME, LABEL, ICON = "send_to_annotation", "Modiste: send to an annotation tool", "send"

    def ask(self, ctx: Any, form: Any) -> None:
        form.enum("tool", list(actions.TOOLS), label="Tool", default="cvat", required=True)

    def act(self, ctx: Any) -> str:
        return actions.send(workspace(ctx), chosen(ctx), str(ctx.params["tool"])).line()


class BringBack(_Judging):
    NAME, LABEL, ICON = "bring_back", "Modiste: bring annotations back", "download"

    def ask(self, ctx: Any, form: Any) -> None:
        form.enum("tool", list(actions.TOOLS), label="Tool", default="cvat", required=True)
        form.str("path", label="Folder or archive the tool exported, on this machine", required=True)

    def act(self, ctx: Any) -> str:
        path = str(ctx.params["path"])
        return actions.bring_back(workspace(ctx), str(ctx.params["tool"]), path, reviewer=reviewer(ctx)).line()


class FreezeSnapshot(_Judging):
    NAME, LABEL, ICON = "freeze_snapshot", "Modiste: freeze a snapshot", "ac_unit"

    def ask(self, ctx: Any, form: Any) -> None:
        form.str("name", label="Name of the snapshot", required=True)
        form.bool("all", label="Of the whole workspace, not of these images alone", default=True)

    def act(self, ctx: Any) -> str:
        only = None if ctx.params.get("all", True) else chosen(ctx)
        return actions.freeze(workspace(ctx), str(ctx.params["name"]), only)


class Pull(_Judging):
    NAME, LABEL, ICON = "pull", "Modiste: pull tags and edits into the tables", "sync"

    def act(self, ctx: Any) -> str:
        return actions.pull_and_refresh(workspace(ctx), reviewer=reviewer(ctx)).line()


OPERATORS = (Accept, Reject, Relabel, RebuildMask, SendToAnnotation, BringBack, FreezeSnapshot, Pull)


def workspace(ctx: Any) -> Any:
    """The workspace this data set was made from."""
    from dataset.workspace import Workspace

    return Workspace.open(ctx.dataset.info["workspace"])


def chosen(ctx: Any) -> list[str]:
    """sha256s of the selected samples, else of the one that is open, else of the view. UsageError for too many."""
    ids = list(ctx.selected or []) or ([ctx.current_sample] if ctx.current_sample else [])
    view = ctx.dataset.select(ids) if ids else ctx.view
    return actions.not_too_many(view.values("sha256"), MANY)


def reviewer(ctx: Any) -> str:
    return str(ctx.params.get("reviewer") or actions.reviewer_name())


def _about(ctx: Any) -> str:
    if ctx.selected:
        return f"{len(ctx.selected)} selected"
    return "The open image" if ctx.current_sample else f"No selection: all {len(ctx.view)} images of this view"


def register(plugin: Any) -> None:
    """Called by FiftyOne."""
    from labeling.plugin.panel import ModistePanel

    for operator in OPERATORS:
        plugin.register(operator)
    plugin.register(ModistePanel)
