"""`modiste`: the command line. Puts the groups together and turns every failure into one line and an exit code.

0 done, 1 something went wrong (the line says what and what to do), 2 called wrongly.
"""

from __future__ import annotations

import errno
import io
import os
import sys

import typer

from modiste.cli import (
    crawl,
    curate,
    cutout,
    data,
    demo,
    doctor,
    edit,
    exports,
    faces,
    flow,
    generate,
    jobs,
    label,
    queue,
    reports,
    runs,
    search,
    serve,
    suggest,
    sweep,
    tag,
    takedown,
    taxonomy,
    trace,
    train,
    train_restoration,
    weights,
    workspace,
)

app = typer.Typer(
    name="modiste",
    help="Turns store windows into trained models. Start with 'modiste demo', or 'modiste init shop' and "
    "'modiste crawl URL -w shop'.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
GROUPS = (
    *(workspace, crawl, data, faces, taxonomy, label, curate, queue),
    *(trace, train, generate, sweep, jobs, runs, exports, train_restoration, takedown),
    *(cutout, edit, tag, flow, search, suggest, serve, reports, weights, doctor, demo),
)
for group in GROUPS:
    group.register(app)

INTERRUPTED = "Interrupted. What was committed is kept; run the same command again to go on from there."
CTRL_C = 130
SEE_WHERE = "Mend that and run the same command again; MODISTE_DEBUG=1 shows where it happened."
DISK_FULL = "The disk is full. Free some space, then run the same command again: it goes on from where it stood."


def main() -> None:
    """Console script."""
    from dataset.errors import ModisteError

    _print_any_name()
    try:
        code = app(standalone_mode=False)
        if code == CTRL_C:  # typer's own word for it, without a message
            raise KeyboardInterrupt
    except ModisteError as error:
        _leave(f"error: {error}", error.exit_code, error)
    except (KeyboardInterrupt, typer.Abort) as error:
        _leave(INTERRUPTED, 1, error)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise SystemExit(0) from None
    except OSError as error:
        _leave(_fault_of(error), 1, error)
    except Exception as error:
        if not hasattr(error, "format_message"):  # what typer raises for wrong arguments
            raise
        context = getattr(error, "ctx", None)
        usage = f"{context.get_usage()}\n" if context else ""
        _leave(f"{usage}error: {error.format_message()}", 2, error)
    else:
        raise SystemExit(code or 0)


def _print_any_name() -> None:
    """File names that are no UTF-8, and terminals that are none, must not break a result that is there: `\\udcff`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _fault_of(error: OSError) -> str:
    """One line for what the system refused and no step foresaw; a fault of our own still says where it may be seen."""
    if error.errno == errno.ENOSPC:
        return DISK_FULL
    place = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    return f"error: {place}{error.strerror or error}. {SEE_WHERE}"


def _leave(message: str, code: int, error: BaseException) -> None:
    if os.environ.get("MODISTE_DEBUG"):
        raise error
    print(message, file=sys.stderr)
    raise SystemExit(code)
