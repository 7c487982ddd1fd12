"""Runs: nothing half-written, nothing complete repeated, nothing private recorded."""

import getpass
import json
import platform
from pathlib import Path

import pytest

from rdk_theory import provenance, runs


def manifest(folder):
    """The manifest of a run's folder."""
    return json.loads((folder / runs.MANIFEST).read_text(encoding="utf-8"))


def writer(path, text="1", calls=None):
    """A function that writes `text` and notes that it was called."""

    def write():
        if calls is not None:
            calls.append(path.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return write


class TestAtomicPath:
    def test_the_file_appears_when_it_is_complete(self, tmp_path):
        with runs.atomic_path(tmp_path / "deep" / "a.csv") as temporary:
            temporary.write_text("new")
            assert temporary.suffix == ".csv"
            assert not (tmp_path / "deep" / "a.csv").exists()
        assert [(f.name, f.read_text()) for f in (tmp_path / "deep").iterdir()] == [("a.csv", "new")]

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
    def test_a_failure_leaves_what_was_there(self, tmp_path, error):
        (tmp_path / "a.csv").write_text("old")

        def fail():
            with runs.atomic_path(tmp_path / "a.csv") as temporary:
                temporary.write_text("half")
                raise error

        with pytest.raises(error):
            fail()
        assert [(f.name, f.read_text()) for f in tmp_path.iterdir()] == [("a.csv", "old")]


class TestSteps:
    def step(self, folder, parameters=None, resume=True, seed=0, command="test", text="1"):
        """Whether the one step of a run was made."""
        with runs.Run(folder, command, {}, seed, resume=resume) as run:
            return run.step("one", ["a.txt"], writer(folder / "a.txt", text), parameters or {"n": 1})

    def test_a_complete_step_is_skipped(self, tmp_path):
        assert self.step(tmp_path)
        before = manifest(tmp_path)
        assert not self.step(tmp_path)
        assert manifest(tmp_path)["steps"] == before["steps"]
        assert manifest(tmp_path)["outputs"] == {"a.txt": runs.sha256(tmp_path / "a.txt")}

    @pytest.mark.parametrize("change", [{"parameters": {"n": 2}}, {"seed": 1}, {"resume": False}, {"command": "other"}])
    def test_a_step_is_made_again_when_what_it_depends_on_changes(self, tmp_path, change):
        self.step(tmp_path)
        assert self.step(tmp_path, **change)

    def test_a_step_is_made_again_when_its_output_is_changed_or_gone(self, tmp_path):
        self.step(tmp_path)
        (tmp_path / "a.txt").write_text("tampered")
        assert self.step(tmp_path)
        (tmp_path / "a.txt").unlink()
        assert self.step(tmp_path)
        assert (tmp_path / "a.txt").read_text() == "1"

    def test_a_step_is_made_again_when_the_code_changes_unless_told_otherwise(self, tmp_path, monkeypatch):
        def both():
            with runs.Run(tmp_path, "test", {}) as run:
                return [
                    run.step(name, [f"{name}.txt"], writer(tmp_path / f"{name}.txt"), code=name == "bound")
                    for name in ("bound", "free")
                ]

        assert both() == [True, True]
        assert both() == [False, False]
        monkeypatch.setattr(provenance, "code_digest", lambda: "other code")
        assert both() == [True, False]

    def test_an_interrupt_keeps_what_was_complete(self, tmp_path):
        calls = []

        def run_all(interrupted):
            with runs.Run(tmp_path, "test", {}) as run:
                run.step("one", ["a.txt"], writer(tmp_path / "a.txt", calls=calls))
                if interrupted:
                    raise KeyboardInterrupt
                run.step("two", ["b.txt"], writer(tmp_path / "b.txt", calls=calls))

        with pytest.raises(KeyboardInterrupt):
            run_all(True)
        assert manifest(tmp_path)["status"] == "stopped"
        run_all(False)
        assert calls == ["a.txt", "b.txt"]
        assert manifest(tmp_path)["status"] == "complete"

    def test_an_interrupt_before_a_step_that_was_complete_does_not_lose_it(self, tmp_path):
        self.step(tmp_path)

        def stop():
            with runs.Run(tmp_path, "test", {}, 0):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            stop()
        assert not self.step(tmp_path)

    def test_a_folder_is_an_output(self, tmp_path):
        def once():
            with runs.Run(tmp_path, "test", {}) as run:
                return run.step("one", ["d"], writer(tmp_path / "d" / "e" / "a.txt"))

        assert once()
        assert list(manifest(tmp_path)["outputs"]) == ["d/e/a.txt"]
        assert not once()
        (tmp_path / "d" / "b.txt").write_text("more")
        assert once()

    def test_recorded_files_are_listed(self, tmp_path):
        with runs.Run(tmp_path, "test", {}) as run:
            writer(tmp_path / "c.txt")()
            run.record(tmp_path / "c.txt")
        assert manifest(tmp_path)["outputs"] == {"c.txt": runs.sha256(tmp_path / "c.txt")}

    def test_misuse_is_an_error(self, tmp_path):
        with runs.Run(tmp_path, "test", {}) as run:
            with pytest.raises(ValueError, match=r"a\.txt, which it did not write"):
                run.step("one", ["a.txt"], lambda: None)
            with pytest.raises(ValueError, match="not below"):
                run.step("two", ["../a.txt"], lambda: None)
            run.step("three", ["a.txt"], writer(tmp_path / "a.txt"))
            with pytest.raises(ValueError, match="'three'"):
                run.step("three", ["a.txt"], writer(tmp_path / "a.txt"))

    @pytest.mark.parametrize("content", ["{", "[]", '{"format": "other"}'])
    def test_a_foreign_manifest_is_not_overwritten(self, tmp_path, content):
        (tmp_path / runs.MANIFEST).write_text(content)
        with pytest.raises(ValueError, match=r"manifest\.json"):
            self.step(tmp_path)
        assert (tmp_path / runs.MANIFEST).read_text() == content


class TestManifest:
    def test_it_says_how_the_results_came_about(self, tmp_path):
        with runs.Run(tmp_path, "test", {"rate": 0.5, "list": [1, None]}, 7):
            pass
        found = manifest(tmp_path)
        assert found["command"] == "test"
        assert found["arguments"] == {"rate": 0.5, "list": [1, None]}
        assert found["seed"] == 7
        assert found["versions"]["python"] == platform.python_version()
        assert {"rdk-theory", "numpy", "scipy"} <= set(found["versions"])
        assert found["hardware"]["cores"] >= 1

    def test_paths_hosts_and_users_stay_out(self, tmp_path):
        arguments = {
            "out": tmp_path,
            "pair": tmp_path / "pair",
            "corpus": Path("/somewhere/private/corpus.txt"),
            "text": "/somewhere/private/corpus.txt",
            "local": Path("data") / "x.txt",
        }
        with runs.Run(tmp_path, "test", arguments):
            pass
        assert manifest(tmp_path)["arguments"] == {
            "out": ".",
            "pair": "pair",
            "corpus": "corpus.txt",
            "text": "corpus.txt",
            "local": "data/x.txt",
        }
        text = (tmp_path / runs.MANIFEST).read_text(encoding="utf-8")
        words = json.dumps(text).replace('"', " ").replace("\\n", " ").split()
        for private in (str(tmp_path), str(Path.home()), str(Path(runs.__file__).parent.parent)):
            assert private not in text
        assert platform.node() not in words
        assert getpass.getuser() not in words

    def test_a_checkout_names_its_commit(self):
        state = provenance.git_state()
        assert state is None or (len(state["commit"]) == 40 and state["dirty"] in (True, False))

    def test_without_git_there_is_no_state(self, monkeypatch):
        monkeypatch.setenv("PATH", "")
        assert provenance.git_state.__wrapped__() is None


def test_the_bar_passes_everything_on_and_prints_nothing_when_quick(capsys):
    assert list(runs.progress(range(3), "counting", total=3)) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")
