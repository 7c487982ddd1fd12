"""The command: finding sub-commands, shared options, exit status, one line for what went wrong."""

import argparse
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from rdk_theory import cli


@pytest.fixture
def toy(monkeypatch):
    """A function that makes `rdk toy` run the given function."""
    entry = metadata.EntryPoint("toy", f"{__name__}_toy:COMMAND", cli.GROUP)
    monkeypatch.setattr(cli.metadata, "entry_points", lambda group: [entry] if group == cli.GROUP else [])

    def install(run, add_arguments=lambda parser: cli.add_common(parser, out="out/toy")):
        module = argparse.Namespace(COMMAND=cli.Command("toy", "play", add_arguments, run))
        monkeypatch.setitem(sys.modules, f"{__name__}_toy", module)

    return install


def raising(error):
    """A command's function that raises `error`."""

    def run(options):
        raise error

    return run


@pytest.mark.parametrize("status", [0, 1])
def test_the_status_is_the_commands(toy, status):
    toy(lambda options: status)
    assert cli.main(["toy"]) == status


def test_shared_options_and_their_defaults(toy):
    seen = []
    toy(lambda options: seen.append(vars(options)) or 0)
    cli.main(["toy"])
    cli.main(["toy", "--seed", "7", "--out", "x/y", "--json", "--quick", "--no-resume"])
    assert seen == [
        {"seed": 0, "out": Path("out/toy"), "json": False, "quick": False, "resume": True},
        {"seed": 7, "out": Path("x/y"), "json": True, "quick": True, "resume": False},
    ]


def test_options_that_make_no_sense_are_not_offered(toy, capsys):
    toy(lambda options: 0, lambda parser: cli.add_common(parser, seed=False, json=False, quick=False, resume=False))
    for option in ("--seed=1", "--out=x", "--json", "--quick", "--resume"):
        assert cli.main(["toy", option]) == 2
        assert "unrecognized arguments" in capsys.readouterr().err


@pytest.mark.parametrize("seed", ["-1", "1.5", "x", "", str(2**63)])
def test_a_bad_seed_is_bad_usage(toy, capsys, seed):
    toy(lambda options: 0)
    assert cli.main(["toy", f"--seed={seed}"]) == 2
    assert "--seed: must be an integer from 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (cli.UsageError("no such file: x"), 2, "rdk toy: no such file: x\n"),
        (ValueError("target of shape (2,)\nis negative"), 2, "rdk toy: target of shape (2,) is negative\n"),
        (
            FileNotFoundError(2, "No such file or directory", "x"),
            2,
            "rdk toy: x: No such file or directory\n",
        ),
        (
            KeyboardInterrupt(),
            130,
            "rdk toy: interrupted; what was complete is kept, and the same command goes on from there\n",
        ),
        (
            ModuleNotFoundError(name="torch"),
            2,
            "rdk toy: needs torch, which is not installed: pip install 'rdk-theory[gpu]'\n",
        ),
        (
            ModuleNotFoundError(name="matplotlib.pyplot"),
            2,
            "rdk toy: needs matplotlib, which is not installed: pip install 'rdk-theory[report]'\n",
        ),
        (
            ModuleNotFoundError(name="sympy"),
            2,
            "rdk toy: needs sympy, which is not installed: pip install 'rdk-theory[proofs]'\n",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_stops_a_command_is_one_line(toy, capsys, error, status, message):
    toy(raising(error))
    assert cli.main(["toy"]) == status
    assert capsys.readouterr() == ("", message)


@pytest.mark.parametrize(
    "error",
    [ModuleNotFoundError(name="gpu.no_such_file"), ModuleNotFoundError(name="rdk_theory.x"), TypeError("a bug")],
)
def test_a_bug_of_ours_keeps_its_traceback(toy, error):
    toy(raising(error))
    with pytest.raises(type(error)):
        cli.main(["toy"])


def test_a_traceback_is_there_for_the_asking(toy, monkeypatch):
    monkeypatch.setenv("RDK_TRACEBACK", "1")
    toy(raising(ValueError("x")))
    with pytest.raises(ValueError, match="x"):
        cli.main(["toy"])


def test_help_lists_the_commands_and_what_is_missing(toy, capsys, monkeypatch):
    toy(lambda options: 0)
    assert cli.main(["--help"]) == 0
    assert "  toy  play\n" in capsys.readouterr().out
    monkeypatch.delitem(sys.modules, f"{__name__}_toy")
    assert cli.main(["--help"]) == 0
    assert "  toy  (not available: " in capsys.readouterr().out


def test_a_commands_help(toy, capsys):
    toy(raising(AssertionError))
    assert cli.main(["toy", "--help"]) == 0
    assert "usage: rdk toy" in capsys.readouterr().out


def test_no_command_and_an_unknown_one_are_bad_usage(toy, capsys):
    toy(lambda options: 0)
    assert cli.main([]) == 2
    assert "usage: rdk COMMAND" in capsys.readouterr().err
    assert cli.main(["play"]) == 2
    assert capsys.readouterr() == ("", "rdk: no command 'play'; there are toy\n")
    assert cli.main(["--play"]) == 2
    assert capsys.readouterr() == ("", "rdk: no command '--play'; there are toy\n")


def test_the_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"rdk-theory {metadata.version('rdk-theory')}\n"


def test_a_reader_that_leaves_is_no_error():
    """As in ``rdk toy | head -1``: no traceback, and the status that a shell gives for SIGPIPE."""
    code = (
        "import sys; from rdk_theory import cli; from importlib import metadata\n"
        "def run(options):\n"
        "    for number in range(100000): print(number)\n"
        "    return 0\n"
        "COMMAND = cli.Command('toy', 'play', lambda parser: None, run)\n"
        "entry = metadata.EntryPoint('toy', '__main__:COMMAND', cli.GROUP)\n"
        "cli.metadata.entry_points = lambda group: [entry]\n"
        "sys.exit(cli.main(['toy']))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait() == cli.BROKEN_PIPE


def test_every_entry_point_is_a_command_of_its_name_and_lists_without_heavy_libraries():
    code = (
        "import sys; from rdk_theory import cli; from importlib import metadata\n"
        "for entry in metadata.entry_points(group=cli.GROUP):\n"
        "    command = entry.load()\n"
        "    assert isinstance(command, cli.Command) and command.name == entry.name and command.help, entry\n"
        "heavy = {'torch', 'transformers', 'tokenizers', 'matplotlib', 'sympy', 'hypothesis'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
