"""What a run is made with besides its data: versions, hardware, threads, flags, environment variables.

In: this process and this machine. Out: plain dicts for a record. Asks torch only where it is imported already, so that
reading records stays light. Never records a value whose name or form says that it is a secret.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from dataset.blobs import sha256_of
from train.code_state import ROOT, CodeState, hash_of, running

PACKAGES = (
    "torch", "torchvision", "lightning", "timm", "segmentation-models-pytorch", "albumentations", "albucore",
    "scikit-learn", "scipy", "numpy", "opencv-python-headless", "pillow", "simplejpeg", "safetensors",
)  # fmt: skip
LOCK_FILE = "constraints.txt"
_WANTED = re.compile(r"(OMP|MKL|OPENBLAS|NUMEXPR)_NUM_THREADS|MODISTE_\w+|PYTHONHASHSEED|CUDA_VISIBLE_DEVICES|"
                     r"CUBLAS_WORKSPACE_CONFIG|ATEN_CPU_CAPABILITY|ONEDNN_\w+|TORCH_\w+")  # fmt: skip
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH|COOKIE|SESSION", re.IGNORECASE)
_USER_IN_URL = re.compile(r"//[^/@\s]*@")


def surroundings() -> dict[str, Any]:
    """Everything below, as the record's keys."""
    return {
        "versions": versions(), "packages_sha256": hash_of(packages()), "lock_sha256": lock_sha256(),
        "hardware": hardware(), "threads": threads(), "determinism": determinism(), "variables": variables(),
        "code": _words(running()), "code_state": running().summary(),
    }  # fmt: skip


def made_with() -> dict[str, Any]:
    """The long lists, for `made_with.json` beside the record."""
    code = running()
    return {"files": code.files, "packages": packages(), "diff": code.diff, "untracked": code.untracked}


def versions() -> dict[str, str]:
    """Python and the packages that a model's bits depend on."""
    known = packages()
    return {"python": platform.python_version()} | {name: known[name] for name in PACKAGES if name in known}


@cache
def packages() -> dict[str, str]:
    """{name: version} of every installed distribution."""
    found = {str(each.metadata["Name"]): each.version for each in metadata.distributions() if each.metadata["Name"]}
    return dict(sorted((name.lower().replace("_", "-"), version) for name, version in found.items()))


def lock_sha256() -> str | None:
    """Of the checkout's constraints file; None where the package is installed without one."""
    path = ROOT / LOCK_FILE
    return sha256_of(path.read_bytes()) if path.is_file() else None


def hardware() -> dict[str, Any]:
    """`capability` is the instruction set torch computes with: another one may round otherwise."""
    torch = sys.modules.get("torch")
    cards = [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())] if torch else []
    return {
        "machine": platform.machine(), "system": platform.system(), "cpus": os.cpu_count() or 0, "cpu": _cpu(),
        "capability": torch.backends.cpu.get_cpu_capability() if torch else None, "cards": cards,
    }  # fmt: skip


def threads() -> dict[str, int | None]:
    torch = sys.modules.get("torch")
    return {"torch": torch.get_num_threads() if torch else None, "cpus_allowed": _allowed()}


def determinism() -> dict[str, bool | None]:
    torch = sys.modules.get("torch")
    if torch is None:
        return {}
    return {
        "algorithms": torch.are_deterministic_algorithms_enabled(),
        "warn_only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "cudnn_benchmark": torch.backends.cudnn.benchmark, "cudnn_deterministic": torch.backends.cudnn.deterministic,
    }  # fmt: skip


def variables(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment variables that may move a result; secrets by name are left out, users in URLs blanked."""
    found = os.environ if given is None else given
    wanted = {name: value for name, value in found.items() if _WANTED.fullmatch(name) and not _SECRET.search(name)}
    return {name: _USER_IN_URL.sub("//", value) for name, value in sorted(wanted.items())}


def _words(code: CodeState) -> str | None:
    return None if code.revision is None else code.revision + ("+" if code.dirty else "")


def _allowed() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0


def _cpu() -> str:
    """The processor's name from Linux's list, else what the platform says."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1).strip() if found else platform.processor()
