"""Bad addresses, damaged parts and changed settings: one clear line, and exit status 2."""

import socket
from dataclasses import replace

import pytest

from rdk_theory import cli
from simulations import _runner, _workers, command
from simulations._experiment import experiments

NAME = "calibration_size"


@pytest.fixture
def simulate(tmp_path, monkeypatch, capsys):
    """Run a small sweep by the command, with the options told: its status and what it says on standard error."""
    registered = experiments()[NAME]
    sweep = replace(registered, parameters=lambda options: registered.parameters(options)[:6])
    monkeypatch.setattr(command, "select", lambda names: [sweep])

    def run(*arguments):
        status = cli.main(["simulate", NAME, "--quick", "--workers", "1", "--out", str(tmp_path), *arguments])
        return status, capsys.readouterr().err

    return run


@pytest.fixture
def interrupted(simulate, tmp_path, monkeypatch):
    """A sweep that stopped before its table."""
    with monkeypatch.context() as patch:
        patch.setattr(_runner.tables, "write", lambda path, rows: (_ for _ in ()).throw(KeyboardInterrupt))
        assert simulate()[0] == cli.INTERRUPTED
    return tmp_path / NAME / _runner.PARTS


class TestAddress:
    @pytest.fixture(autouse=True)
    def no_patience(self, monkeypatch):
        monkeypatch.setattr(_workers, "CONNECT_SECONDS", 0.3)

    @pytest.fixture
    def silent(self):
        """A port at which something listens that never answers."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield f"tcp://127.0.0.1:{server.getsockname()[1]}"

    def refused(self, address, out, capsys):
        assert cli.main(["simulate", NAME, "--out", str(out), "--scheduler", address]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert list(out.iterdir()) == []
        (line,) = captured.err.splitlines()
        return line

    @pytest.mark.parametrize(
        ("address", "why"),
        [
            ("", "missing port number"),
            ("localhost", "missing port number"),
            ("127.0.0.1:port", "invalid literal"),
            ("nonsense://127.0.0.1:1", "unknown address scheme 'nonsense'"),
            ("tcp://127.0.0.1:1", "time is out"),
            ("tls://127.0.0.1:1", "TLS"),
        ],
    )
    def test_nobody_there(self, address, why, tmp_path, capsys):
        line = self.refused(address, tmp_path, capsys)
        assert line.startswith(f"rdk simulate: no Dask scheduler answers at {address!r}: ")
        assert why in line

    def test_nobody_answers(self, silent, tmp_path, capsys):
        assert f"no Dask scheduler answers at '{silent}': time is out" in self.refused(silent, tmp_path, capsys)

    def test_nothing_is_asked_to_list_or_redraw(self, capsys, tmp_path):
        assert cli.main(["simulate", "--list", "--scheduler", "nonsense"]) == 0
        assert cli.main(["simulate", NAME, "--redraw", "--out", str(tmp_path), "--scheduler", "nonsense"]) == 2
        assert "table.csv: No such file" in capsys.readouterr().err


class TestParts:
    @pytest.mark.parametrize("content", [b"", b"PAR1", b"\xff" * 100])
    def test_a_damaged_part(self, simulate, interrupted, content):
        (part,) = interrupted.glob("part-*")
        part.write_bytes(content)
        status, error = simulate()
        assert status == 2
        assert f"{part.name} is damaged" in error
        part.unlink()
        assert simulate()[0] == 0

    def test_a_part_of_another_name(self, simulate, interrupted):
        (interrupted / "part-0.csv").write_text("a\n1\n")
        status, error = simulate()
        assert (status, "part-0.csv is damaged" in error) == (2, True)

    def test_a_damaged_description(self, simulate, interrupted):
        (interrupted / "_sweep.json").write_text("{")
        status, error = simulate()
        assert (status, "_sweep.json is damaged" in error) == (2, True)
        assert simulate("--no-resume")[0] == 0


class TestChange:
    def test_another_seed(self, simulate, interrupted):
        before = sorted(interrupted.iterdir())
        status, error = simulate("--seed", "1")
        assert status == 2
        assert "parts holds an unfinished sweep that differs from this one in keys, seed: " in error
        assert sorted(interrupted.iterdir()) == before
        assert simulate()[0] == 0
        assert simulate("--seed", "1")[0] == 0, "what is finished gives way"

    def test_other_settings(self, simulate, interrupted, monkeypatch):
        longer = replace(experiments()[NAME], parameters=lambda options: [{"kept": 8, "calibration": 2, "draw": 0}])
        monkeypatch.setattr(command, "select", lambda names: [longer])
        status, error = simulate()
        assert status == 2
        assert "differs from this one in keys, settings: finish that one, choose another --out" in error
        assert simulate("--no-resume")[0] == 0
