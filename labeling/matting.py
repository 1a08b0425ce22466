"""Closed-form matting of the unknown pixels of one tile, on pymatting's Laplacian and preconditioner.

In: (H, W, 3) float RGB in [0, 1], (H, W) prior alpha, and which pixels are known. Out: (H, W) float32 alpha, equal to
the prior where it is known. pymatting compiles itself once a machine (its first import costs half a minute), so nothing
here is imported before it is used. Never looks outside the tile.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
EPSILON = 1e-6  # of the window covariance; chosen with TRUST on scenes 0 to 9 of benchmarks/edges_scenes.py
TOLERANCE, MOST_STEPS = 1e-4, 300
SHIFTS = (1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0)  # of the diagonal, tried in turn until the factorisation exists


def closed_form(rgb: Float32, alpha: Float32, known: npt.NDArray[np.bool_], trust: float = 0.0) -> Float32:
    """(H, W) float32 in [0, 1]: `alpha` where `known`, elsewhere Levin, Lischinski & Weiss (PAMI 2008), equation 18.

    `trust` is the weight of the prior alpha at unknown pixels, 0 for none. Stops after 300 steps of conjugate gradient
    at the latest, so a tile without any contrast costs bounded time and keeps about its prior.
    """
    from pymatting.laplacian.cf_laplacian import cf_laplacian
    from scipy.sparse import diags

    unknown = ~known.ravel()
    rows = cf_laplacian(rgb.astype(np.float64), epsilon=EPSILON, is_known=known).tocsr()[unknown]
    prior = alpha.ravel().astype(np.float64)
    held = trust + 1e-9  # the tiny part keeps pixels joined to nothing from making the system singular
    system = (rows[:, unknown] + diags(np.full(int(unknown.sum()), held))).tocsc()
    wanted = held * prior[unknown] - rows[:, ~unknown] @ prior[~unknown]
    found = alpha.copy().ravel()
    found[unknown] = np.clip(_solved(system, wanted, prior[unknown]), 0, 1)
    return found.reshape(alpha.shape)


def _solved(system: object, wanted: npt.NDArray[np.float64], start: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    from scipy.sparse.linalg import LinearOperator, cg

    near = _quiet_factorisation().ichol(system, shifts=SHIFTS)
    guide = LinearOperator((len(start), len(start)), near, dtype=np.float64)
    return np.asarray(cg(system, wanted, x0=start, M=guide, rtol=TOLERANCE, maxiter=MOST_STEPS)[0])


def _quiet_factorisation() -> Any:
    """pymatting's module of `ichol`, which prints when it had to shift the diagonal, without its `print`.

    `redirect_stdout` won't do: it swaps one stream for all threads, and of two that overlap the last to leave puts the
    other's dead stream back, after which the command's own result goes nowhere.
    """
    module = importlib.import_module("pymatting.preconditioner.ichol")
    vars(module)["print"] = lambda *words: None
    return module
