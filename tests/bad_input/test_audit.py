"""What a person can hand to the audit and that is not right."""

import pytest

from rdk_theory import cli
from rdk_theory.audit.adapters import as_adapter, resolve


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name a target"),
        (["nothing-of-that-name"], "no built-in target 'nothing-of-that-name'; there are "),
        (["no_such_module:function"], "there is no module 'no_such_module'"),
        (["math:no_such_function"], "module 'math' has no 'no_such_function'"),
        (["math:pi"], "math:pi is no function, but float"),
        (["math:copysign"], "expected those of one kind"),
        (["verify-chain", "--smallest", "2"], "must be a number between 0 and 1"),
        (["verify-chain", "--smallest", "x"], "must be a number between 0 and 1"),
        (["verify-chain", "--seconds", "0"], "--seconds must be positive"),
        (["zoo", "--runs", "0"], "must be a positive integer"),
        (["verify-chain", "--seed", "-1"], "argument --seed"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(arguments, says, capsys):
    assert cli.main(["audit", *arguments]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert "Traceback" not in error


def test_a_kind_that_there_is_not():
    def function(target, proposal, drafted, rng):
        return drafted, drafted

    function.kind = "tree"
    with pytest.raises(ValueError, match="has kind 'tree', not one of token, chain"):
        as_adapter(function, "theirs")


def test_an_import_that_fails_inside_the_module_is_not_hidden(tmp_path, monkeypatch):
    (tmp_path / "half.py").write_text("import no_such_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        resolve("half:function")
