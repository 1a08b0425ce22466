"""Every error Modiste raises on purpose. Each says what, where, what was expected, and what to do.

ModisteError
├── UsageError            the command was called wrongly (exit 2)
│   └── SettingsError     modiste.yaml, a recipe or another YAML file is wrong
├── WorkspaceError        there is no workspace here, or it can't be used
│   └── WorkspaceTooNew   written by a newer Modiste
├── StorageError          disk full, permission denied, object storage gone
├── FetchError            the shop can't be reached, or refuses
├── EmptyError            a step was given nothing to work on
├── TrainingError         a run can't start or can't go on
├── MissingWeights, MissingLibrary (dataset/package_files.py, labeling/litert.py): an optional network isn't here
└── DataError             data that breaks a contract
    ├── ImageError        bytes that are no usable image; `code` says why
    ├── MaskError         a mask that is no partition, or of another size
    ├── TableError        rows that don't fit a table's schema
    └── SnapshotError     a snapshot that can't be loaded as it was frozen

Bad data from outside becomes a row with a coded reason; these are raised where going on would be wrong.
"""

from __future__ import annotations


class ModisteError(Exception):
    """Base of all; `str()` is one line a person can act on."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", expected: str = "", cure: str = "") -> None:
        self.what, self.where, self.expected, self.cure = what, where, expected, cure
        super().__init__(what)

    def __reduce__(self) -> tuple[object, ...]:
        """Errors cross process borders whole: the default would call the class with `args` alone."""
        return _again, (type(self), self.args, self.__dict__)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        if self.expected:
            text += f" (expected {self.expected})"
        return f"{text}. {self.cure}" if self.cure else text


def _again(kind: type[ModisteError], args: tuple[object, ...], state: dict[str, object]) -> ModisteError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class UsageError(ModisteError):
    exit_code = 2


class SettingsError(UsageError):
    pass


class WorkspaceError(ModisteError):
    pass


class WorkspaceTooNew(WorkspaceError):
    pass


class StorageError(ModisteError):
    pass


class FetchError(ModisteError):
    pass


class EmptyError(ModisteError):
    pass


class TrainingError(ModisteError):
    pass


class DataError(ModisteError):
    pass


class ImageError(DataError):
    """`code` is one of `dataset.images.REASONS`."""

    def __init__(self, code: str, what: str, **kwargs: str) -> None:
        self.code = code
        super().__init__(what, **kwargs)


class MaskError(DataError):
    pass


class TableError(DataError):
    pass


class SnapshotError(DataError):
    pass
