"""`rdk generate` on a pair that the test writes: the table, and bad input in one line."""

import argparse
import json
import math
import subprocess
import sys

import numpy as np
import pytest

from gpu.generation import comparison
from gpu.generation.command import COLUMNS, COMMAND
from rdk_theory import Vocabulary, cli, tables
from rdk_theory.kernels import Embedding, RankOne, save_kernel, store_columns
from tests.unit.pairs import document, tokenizer, write_corpus, write_model

SIZE, KEPT = 300, 60


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A pair of random models, kernels for it, prompts and a corpus."""
    folder = tmp_path_factory.mktemp("generate")
    shared = tokenizer(SIZE)
    for seed, name in enumerate(("target", "drafter")):
        write_model(folder / name, seed, shared, width=16 if seed else 24)
    write_model(folder / "other", 2, tokenizer(SIZE, range(8, 16)))
    rng = np.random.default_rng(0)
    kept = rng.permutation(SIZE)[:KEPT]
    prior = np.where(np.isin(np.arange(SIZE), kept), 0, 1 / (SIZE - KEPT))
    kernel = RankOne(Vocabulary(SIZE, kept), 0.3, prior)
    save_kernel(folder / "mixed.safetensors", kernel)
    store_columns(folder / "columns.safetensors", kernel)
    np.save(folder / "kept.npy", kept)
    save_kernel(folder / "elsewhere.safetensors", Embedding(Vocabulary(SIZE, kept[::-1].copy())))
    save_kernel(folder / "larger.safetensors", Embedding(Vocabulary(SIZE + 1, kept)))
    save_kernel(folder / "pruned.safetensors", Embedding(Vocabulary.pruned_head(SIZE, kept)))
    (folder / "prompts.txt").write_text("alpha beta gamma\n\ndelta\n", encoding="utf-8")
    (folder / "prompts.json").write_text(json.dumps([document(3, 30), [5, 6, 7]]), encoding="utf-8")
    write_corpus(folder / "corpus.txt")
    for name, text in (("empty.txt", ""), ("bad.json", "["), ("no.json", '[{"a": 1}]'), ("ids.json", f"[[{SIZE}]]")):
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "none.json").write_text("[[]]", encoding="utf-8")
    (folder / "latin.txt").write_bytes(b"\xe9t\xe9")
    return folder


def generate(pair, out, *arguments, kernels=("mixed",), drafter="drafter"):
    """Run the command as `rdk` would."""
    files = [word for name in kernels for word in ("--kernel", str(pair / f"{name}.safetensors"))]
    options = ["--max-new-tokens", "6", "--repeats", "1", "--out", str(out), *arguments]
    return cli.main(["generate", str(pair / "target"), str(pair / drafter), *files, *options])


def check(rows, methods, tokens, greedy=False):
    """What the table says adds up."""
    assert [row["method"] for row in rows] == ["plain", "assisted", "TLI", *methods]
    by_name = {row["method"]: row for row in rows}
    for row in rows:
        assert row["tokens"] == tokens
        assert row["block_efficiency"] == pytest.approx(row["tokens"] / row["target_calls"])
        assert 0 < row["low"] <= row["tokens_per_second"] <= row["high"] < math.inf
        assert row["speedup"] == pytest.approx(row["tokens_per_second"] / by_name["plain"]["tokens_per_second"])
    assert by_name["plain"]["block_efficiency"] == by_name["plain"]["speedup"] == 1
    assert by_name["plain"]["acceptance_rate"] is by_name["assisted"]["acceptance_rate"] is None
    assert all(0 <= by_name[name]["acceptance_rate"] <= 1 for name in ("TLI", *methods))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--verification", "lazy", "--json"],
        ["--temperature", "0", "--verification", "block"],
        ["--length", "adaptive", "--longest", "3", "--implementation", "naive", "--top-k", "50", "--top-p", "0.9"],
    ],
)
def test_the_table_tells_of_every_method_in_one_run(pair, tmp_path, capsys, arguments):
    source = ["--prompts", str(pair / "prompts.txt")]
    assert generate(pair, tmp_path, *source, *arguments) == 0
    printed = capsys.readouterr()
    rows = tables.read(tmp_path / "generate.csv")
    check(rows, ["mixed"], tokens=12)
    assert tuple(rows[0]) == COLUMNS
    assert json.loads((tmp_path / "manifest.json").read_text())["command"] == "generate"
    if "--json" in arguments:
        assert json.loads(printed.out) == {"rows": rows}
    else:
        assert printed.out.split()[: len(COLUMNS)] == list(COLUMNS)
    assert ("a step of the drafter takes" in printed.err) == ("adaptive" in arguments)


def test_prompts_from_json_from_a_corpus_and_columns_from_a_file(pair, tmp_path, capsys):
    """Kernels that are equal do equally well from the same random numbers; a corpus gives as many prompts as asked."""
    source = ["--prompts", str(pair / "prompts.json"), "--prompt-tokens", "5"]
    columns = ["--kept", str(pair / "kept.npy")]
    assert generate(pair, tmp_path, *source) == 0
    assert generate(pair, tmp_path / "columns", *source, *columns, kernels=["columns"]) == 0
    mine, stored = (tables.read(folder / "generate.csv")[-1] for folder in (tmp_path, tmp_path / "columns"))
    assert (mine["target_calls"], mine["acceptance_rate"]) == (stored["target_calls"], stored["acceptance_rate"])
    assert (
        generate(
            pair,
            tmp_path,
            "--corpus",
            str(pair / "corpus.txt"),
            "--quick",
            "--draft-cost",
            "0.1",
            "--length",
            "adaptive",
        )
        == 0
    )
    check(tables.read(tmp_path / "generate.csv"), ["mixed"], tokens=12)
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "how", "message"),
    [
        (["--length", "0"], {}, "must be an integer of at least 1 or 'adaptive', not '0'"),
        (["--count", "0"], {}, "--count must be at least 1, not 0"),
        (["--max-new-tokens", "-1"], {}, "--max-new-tokens must be at least 1, not -1"),
        (["--repeats", "0"], {}, "--repeats must be at least 1"),
        (["--temperature", "-1"], {}, "temperature must be finite and at least 0, not -1.0"),
        (["--temperature", "nan"], {}, "temperature must be finite"),
        (["--top-k", "0"], {}, "top_k must be an integer of at least 1, not 0"),
        (["--top-p", "2"], {}, "top_p must be in (0, 1], not 2.0"),
        (["--length", "adaptive", "--draft-cost", "-1"], {}, "draft_cost must be finite and at least 0"),
        (["--max-new-tokens", "200"], {}, "target takes 128"),
        (["--prompts", "empty.txt"], {}, "empty.txt must hold prompts: lines of text, or a JSON list"),
        (["--prompts", "bad.json"], {}, "bad.json is not JSON"),
        (["--prompts", "no.json"], {}, "no.json must hold prompts"),
        (["--prompts", "ids.json"], {}, f"prompt 0 has an id outside range({SIZE})"),
        (["--prompts", "none.json"], {}, "prompt 0 has no token"),
        (["--prompts", "latin.txt"], {}, "latin.txt is not UTF-8 text"),
        (["--prompts", "missing.txt"], {}, "missing.txt: No such file"),
        (["--corpus", "missing"], {}, "missing"),
        (["--device", "tpu"], {}, "invalid choice: 'tpu'"),
        ([], {"kernels": []}, "the following arguments are required: --kernel"),
        ([], {"kernels": ["missing"]}, "missing.safetensors"),
        ([], {"kernels": ["columns"]}, "is not a kernel of format"),
        ([], {"kernels": ["mixed", "elsewhere"]}, "elsewhere.safetensors keeps other tokens than"),
        ([], {"kernels": ["mixed", "mixed", "mixed"]}, "two kernels would be called"),
        ([], {"kernels": ["larger"]}, f"is over {SIZE + 1} tokens, and the target has {SIZE}"),
        ([], {"kernels": ["pruned"]}, f"is for a drafter of {KEPT} tokens, and this one has {SIZE}"),
        ([], {"drafter": "other"}, "target and drafter have different tokenizers"),
        ([], {"drafter": "nowhere"}, "nowhere is not a folder"),
    ],
)
def test_wrong_arguments_are_one_line(pair, tmp_path, capsys, arguments, how, message):
    paths = [str(pair / word) if word.endswith((".txt", ".json")) or word == "missing" else word for word in arguments]
    if not {"--prompts", "--corpus"} & set(arguments):
        paths += ["--prompts", str(pair / "prompts.txt")]
    status = generate(pair, tmp_path, *paths, **how)
    error = capsys.readouterr().err
    assert status == 2
    assert message in error
    assert "Traceback" not in error


def test_the_cost_of_a_step_is_a_quotient_of_times(pair):
    """Of a model to itself it is one, but for the noise of timing."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(pair / "target").eval()
    assert 0.1 < comparison.step_cost(model, model, [1, 2, 3], repeats=5) < 10


def test_the_command_is_imported_without_heavy_libraries():
    code = "import sys, gpu.generation.command; print([x for x in ('torch', 'transformers') if x in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    parser = argparse.ArgumentParser()
    COMMAND.add_arguments(parser)
    assert "--verification" in parser.format_help()
