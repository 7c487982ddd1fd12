"""The command `rdk`.

Sub-commands are entry points of the group ``rdk.commands``, each ``name = "module:COMMAND"`` with `COMMAND` a
`Command`; so this file knows none of them, and nothing here imports `gpu`, `simulations` or `proofs_check`.

The contract of a command's module: importing it is cheap. ``rdk --help`` imports every one of them for its line of
help, so torch, transformers, matplotlib and solvers are imported inside the functions that use them.

Exit status: 0 if all held, 1 if a claim or check failed, 2 for bad usage, 130 after an interrupt. Results go to
standard output, everything else to standard error.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

GROUP = "rdk.commands"
DISTRIBUTION = "rdk-theory"
INTERRUPTED = 130
BROKEN_PIPE = 141


class UsageError(ValueError):
    """What the user asked for cannot be done; the message says why, in one line."""


@dataclass(frozen=True)
class Command:
    """One sub-command: its name, a line of help, its arguments, and what it does (returns the exit status)."""

    name: str
    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


@runtime_checkable
class Entry(Protocol):
    """An entry point of the standard library, or of its backport, which takes its place where Dask brings it."""

    name: str

    def load(self) -> Any:
        """The object that it names."""


def add_common(
    parser: argparse.ArgumentParser,
    *,
    seed: bool = True,
    out: str | Path | None = None,
    json: bool = True,
    quick: bool = True,
    resume: bool = True,
) -> None:
    """Add the options that commands share; `out` is the default folder, `None` for a command that writes no files.

    `--resume` is on by default, so that the same command goes on where it stopped; `--no-resume` starts afresh.
    """
    if seed:
        parser.add_argument("--seed", type=_seed, default=0, metavar="INT", help="seed of all randomness (default 0)")
    if out is not None:
        parser.add_argument(
            "--out", type=Path, default=Path(out), metavar="DIR", help=f"folder of the results (default {out})"
        )
    if json:
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    if quick:
        parser.add_argument("--quick", action="store_true", help="smaller sizes: a first answer in a minute or so")
    if resume:
        parser.add_argument(
            "--resume",
            action=argparse.BooleanOptionalAction,
            default=True,
            help="go on from what is complete (the default), or start afresh",
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``rdk`` with `argv` (default: the process's arguments) and return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    entries = {entry.name: entry for entry in metadata.entry_points(group=GROUP)}
    try:
        if arguments and arguments[0] in entries:
            return _run(entries[arguments[0]], arguments[1:])
        return _overview(entries, arguments)
    except BrokenPipeError:
        # The reader of standard output is gone, which is its right; the interpreter's last flush must not fail too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _run(entry: Entry, arguments: list[str]) -> int:
    """Import one command, parse its arguments, run it, and turn what stops it into a line and a status."""
    program = f"rdk {entry.name}"
    try:
        command: Command = entry.load()
        parser = argparse.ArgumentParser(prog=program, description=command.help)
        command.add_arguments(parser)
        try:
            options = parser.parse_args(arguments)
        except SystemExit as stop:
            return int(stop.code or 0)
        status = command.run(options)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return _stop(
            f"{program}: interrupted; what was complete is kept, and the same command goes on from there", INTERRUPTED
        )
    except ModuleNotFoundError as error:
        advice = _advice(error)
        if advice is None:
            raise
        return _stop(f"{program}: {advice}", 2)
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        if os.environ.get("RDK_TRACEBACK") == "1":
            raise
        return _stop(f"{program}: {_line(error)}", 2)


def _overview(entries: Mapping[str, Entry], arguments: list[str]) -> int:
    """Answer `rdk`, `rdk --help`, `rdk --version` and an unknown command."""
    lines = []
    if not arguments or arguments[0] in ("-h", "--help"):
        width = max(map(len, entries), default=0)
        lines = [f"  {name:{width}}  {_help(entry)}" for name, entry in entries.items()]
    parser = argparse.ArgumentParser(
        prog="rdk",
        usage="rdk COMMAND [options]",
        description="Speculative decoding with a restricted drafter vocabulary: claims, simulations, measurements.",
        epilog="commands:\n" + "\n".join(lines) + "\n\n`rdk COMMAND --help` tells its options.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"{DISTRIBUTION} {metadata.version(DISTRIBUTION)}")
    parser.add_argument("command", nargs="?", help=argparse.SUPPRESS)
    try:
        options, _ = parser.parse_known_args(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)
    if options.command is None and not arguments:
        parser.print_help(sys.stderr)
        return 2
    return _stop(f"rdk: no command {arguments[0]!r}; there are {', '.join(entries)}", 2)


def _help(entry: Entry) -> str:
    """A command's line of help, or what must be installed for it."""
    try:
        command: Command = entry.load()
    except ModuleNotFoundError as error:
        return f"(not available: {_advice(error) or error})"
    return command.help


def _advice(error: ModuleNotFoundError) -> str | None:
    """Which extra brings the missing module; `None` if it is none of an optional dependency."""
    module = (error.name or "").partition(".")[0]
    for requirement in metadata.requires(DISTRIBUTION) or []:
        match = re.match(r"""(\w+).*extra\s*==\s*["'](\w+)["']""", requirement)
        if match and match[1] == module:
            return f"needs {module}, which is not installed: pip install '{DISTRIBUTION}[{match[2]}]'"
    return None


def _line(error: ValueError | OSError) -> str:
    """An error's message in one line."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


def _stop(message: str, status: int) -> int:
    """Say why, on standard error, and give back the status."""
    print(message, file=sys.stderr)
    return status


def _seed(text: str) -> int:
    """A seed: an integer in [0, 2**63)."""
    try:
        value = int(text)
    except ValueError:
        value = -1
    if not 0 <= value < 2**63:
        raise argparse.ArgumentTypeError(f"must be an integer from 0 to 2**63 - 1, not {text!r}")
    return value
