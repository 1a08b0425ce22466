"""The options `--engine` and `--ray-address` of the commands that run batches.

In: what was typed. Out: a `dataset.engine.Engine`. Never imports Ray: the engine does, when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dataset.engine import Engine

EngineName = Annotated[str, typer.Option("--engine", help="Where the work runs: local (processes) or ray.")]
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray-address",
        envvar="MODISTE_RAY_ADDRESS",
        help="A running Ray, as ray://host:10001 or host:6379; without one, Ray is started on this machine.",
    ),
]


def chosen_engine(name: str, address: str | None) -> Engine:
    """The engine asked for. An address from the environment binds only a run on Ray."""
    from dataset.engine import Engine

    return Engine(name, address if name == "ray" else None)
