"""Kept sets searched for acceptance: against every set there is, never below where it starts, and bad input."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from rdk_theory import Vocabulary, tables
from rdk_theory.fitting import kept_by_acceptance
from rdk_theory.fitting.kept_by_acceptance import _Search, highest_acceptance
from rdk_theory.fitting.kept_sets import highest
from rdk_theory.measure import command
from tests.capture_folder import write_capture

SIZE, COUNT, DOCUMENTS = 8, 3, 30


def contexts(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng([11, seed])
    topics = rng.dirichlet(np.full(SIZE, 0.4), 4)
    targets = np.stack([rng.dirichlet(8 * topics[i] + 0.1) for i in rng.integers(0, 4, 3 * DOCUMENTS)])
    drafts = np.stack([rng.dirichlet(40 * p + 0.1) for p in targets])
    return targets, drafts, np.arange(DOCUMENTS).repeat(3)


def judge(targets: np.ndarray, drafts: np.ndarray, documents: np.ndarray) -> _Search:
    held = documents % 3 == 1
    return _Search(targets, drafts, Vocabulary.full(SIZE), np.flatnonzero(~held), np.flatnonzero(held))


def test_it_is_never_below_its_starts_and_near_the_best_of_all_sets() -> None:
    """Of 6 problems with 56 sets it finds the best in most, and always one of the best quarter; random sets do not."""
    found, places, lucky = 0, [], []
    rng = np.random.default_rng(0)
    for seed in range(6):
        targets, drafts, documents = contexts(seed)
        search, counts = judge(targets, drafts, documents), rng.random(SIZE)
        every = {s: search.judge(np.array(s)).value for s in itertools.combinations(range(SIZE), COUNT)}
        kept = highest_acceptance(targets, drafts, Vocabulary.full(SIZE), COUNT, documents, [counts])
        value = every[tuple(kept.tolist())]
        assert value >= every[tuple(highest(counts, COUNT).tolist())] - 1e-12
        assert value >= every[tuple(highest(np.minimum(targets, drafts).mean(axis=0), COUNT).tolist())] - 1e-12
        better = sorted(every.values(), reverse=True)
        places.append(better.index(value))
        found += value == better[0]
        lucky.append(better.index(every[tuple(sorted(rng.permutation(SIZE)[:COUNT].tolist()))]))
    assert found >= 3
    assert max(places) < len(every) / 4
    assert np.mean(places) < np.mean(lucky) / 4


def test_without_rounds_it_is_the_best_start() -> None:
    targets, drafts, documents = contexts(3)
    search, orders = judge(targets, drafts, documents), [np.arange(SIZE), np.arange(SIZE)[::-1]]
    kept = highest_acceptance(targets, drafts, Vocabulary.full(SIZE), COUNT, documents, orders, rounds=0)
    starts = [highest(scores, COUNT) for scores in (*orders, np.minimum(targets, drafts).mean(axis=0))]
    assert kept.tolist() == max(starts, key=lambda s: search.judge(s).value).tolist()


def test_a_token_of_no_use_is_exchanged() -> None:
    """The start keeps a token that neither target nor drafter uses; the first exchange drops it for one of use."""
    targets, drafts, documents = contexts(4)
    targets, drafts = (np.concatenate([x, np.zeros((len(x), 1))], axis=1) for x in (targets, drafts))
    drafts = 0.999 * drafts + 0.001 / (SIZE + 1)
    counts = np.zeros(SIZE + 1)
    counts[[SIZE, 0, 1]] = 3, 2, 1
    shared = Vocabulary.full(SIZE + 1)
    search = _Search(targets, drafts, shared, np.flatnonzero(documents % 3 != 1), np.flatnonzero(documents % 3 == 1))
    other = search.exchange(search.judge(np.array([0, 1, SIZE])), 1)
    assert other is not None
    assert SIZE not in other
    assert SIZE not in highest_acceptance(targets, drafts, shared, 3, documents, [counts])
    assert search.exchange(search.judge(np.arange(SIZE + 1)), 1) is None  # nothing to exchange


def test_only_shared_tokens_are_kept_and_draft_ids_are_followed() -> None:
    targets, drafts, documents = contexts(5)
    turned = np.random.default_rng(1).permutation(SIZE)
    whole = highest_acceptance(targets, drafts, Vocabulary.full(SIZE), COUNT, documents)
    shared = Vocabulary(SIZE, np.arange(SIZE), draft_size=SIZE, draft_ids=np.argsort(turned))
    assert highest_acceptance(targets, drafts[:, turned], shared, COUNT, documents).tolist() == whole.tolist()
    few = Vocabulary(SIZE, [6, 2, 5, 1])
    kept = highest_acceptance(targets, drafts, few, COUNT, documents)
    assert set(kept.tolist()) <= {6, 2, 5, 1}


def test_fewer_contexts_are_used_for_less_work(monkeypatch: pytest.MonkeyPatch) -> None:
    targets, drafts, documents = contexts(6)
    monkeypatch.setattr(kept_by_acceptance, "FEWEST", 4)
    seen: list[int] = []
    real = kept_by_acceptance.fit_optimal

    def counted(p: np.ndarray, *args: object, **kwargs: object) -> object:
        seen.append(p.shape[0])
        return real(p, *args, **kwargs)

    monkeypatch.setattr(kept_by_acceptance, "fit_optimal", counted)
    for work in (1e9, 10.0 * COUNT * SIZE, 1.0):
        highest_acceptance(targets, drafts, Vocabulary.full(SIZE), COUNT, documents, rounds=0, work=work)
    assert seen == [60, 10, 4]


def test_it_is_a_selection(tmp_path: Path) -> None:
    folder = write_capture(tmp_path / "capture", size=24, documents=40, per_document=3, seed=2)
    given = {"kept": None, "max_memory": 1e9, "work": 0.0, "seed": 0, "resume": True, "names": ["tli"]}
    rows = command.measure(folder, tmp_path / "out", [("acceptance", 0.25)], **given)
    assert [(r["selection"], r["kept"]) for r in rows] == [("acceptance", 6)]
    assert tables.read(tmp_path / "out" / "measure.csv") == rows


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": 0}, "count must be"),
        ({"count": SIZE + 1}, "count must be"),
        ({"orders": [np.ones(SIZE - 1)]}, "candidates"),
        ({"orders": [np.full(SIZE, np.nan)]}, "scores"),
        ({"documents": np.zeros(90, dtype=int)}, "documents"),
        ({"drafts": np.full((90, 4), 0.25)}, "drafts"),
        ({"targets": np.ones((90, SIZE))}, "targets"),
        ({"rounds": -1}, "rounds"),
        ({"work": 0.0}, "work"),
    ],
)
def test_bad_input(change: dict[str, object], message: str) -> None:
    targets, drafts, documents = contexts(0)
    given = {
        **{"targets": targets, "drafts": drafts, "shared": Vocabulary.full(SIZE), "count": COUNT},
        **{"documents": documents},
    }
    with pytest.raises(ValueError, match=message):
        highest_acceptance(**(given | change))
