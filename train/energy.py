"""Energy that the cards of this machine have used, from NVIDIA's management library, by ctypes.

In: nothing. Out: a counter in joules to be subtracted, or None where there is no card, no driver, or one that doesn't
count (before Volta). Counts the whole card, whoever uses it. Never starts a process, never changes a setting.
"""

from __future__ import annotations

import ctypes

LIBRARY = "libnvidia-ml.so.1"


def joules() -> float | None:
    """Sum over cards of nvmlDeviceGetTotalEnergyConsumption (millijoules since the driver was loaded) / 1000."""
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError:
        return None
    if library.nvmlInit_v2():
        return None
    try:
        return _sum(library)
    finally:
        library.nvmlShutdown()


def used(began: float | None) -> float | None:
    """Joules since `began` was read; None where either end isn't known."""
    now = joules() if began is not None else None
    return None if now is None or began is None else round(now - began, 3)


def _sum(library: ctypes.CDLL) -> float | None:
    count, total = ctypes.c_uint(), 0
    if library.nvmlDeviceGetCount_v2(ctypes.byref(count)) or not count.value:
        return None
    for index in range(count.value):
        handle, energy = ctypes.c_void_p(), ctypes.c_ulonglong()
        if library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle)):
            return None
        if library.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(energy)):
            return None
        total += energy.value
    return total / 1000
