"""The short form of `python -m tests.torture`, and that its trials notice what they are there to notice."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest

from convlet import layers
from convlet.data import idx
from convlet.errors import DataError, ModelFileError
from convlet.layers import Conv, Dropout, MaxPool, ReLU, Tanh
from tests.torture import __main__ as torture
from tests.torture import fuzz, model_damage
from tests.torture.kernel_cases import Case, draw
from tests.torture.kernel_runs import failure
from tests.torture.trial import Memory, Outcome, clean, draws, in_process, refused

FORKS = ("SIGKILL", "fault at")


@pytest.mark.parametrize("row", torture.ROWS, ids=lambda row: row.name)
def test_a_trial_in_short_has_no_failure(row, monkeypatch):
    if row.name.startswith(FORKS):
        if not hasattr(os, "fork"):
            pytest.skip("this system cannot fork")
        monkeypatch.setenv("CONVLET_BACKEND", "reference")
    outcome = row.short()
    assert outcome.failures == []
    assert outcome.count or outcome.notes == "has a short form of its own"


def test_the_table_shows_counts_and_failures(monkeypatch, capsys):
    good = torture.Row("good", lambda: Outcome(3), lambda: Outcome(2, notes="short"))
    bad = torture.Row("bad", lambda: Outcome(1, ["it broke"]), lambda: Outcome(1))
    monkeypatch.setattr(torture, "ROWS", (good, bad))
    assert torture.main(["--short"]) == 0
    assert torture.main([]) == 1
    assert torture.main(["--only", "good"]) == 0
    out = capsys.readouterr().out
    assert "    it broke\n" in out
    assert [line.split()[:3] for line in out.splitlines() if line.startswith("good")] == [
        ["good", "2", "0"],
        ["good", "3", "0"],
        ["good", "3", "0"],
    ]


def boom():
    raise ValueError("x")


def two_lines():
    raise ModelFileError("x\ny")


def test_what_a_trial_takes_for_a_failure():
    assert refused(lambda: None, ValueError) == "was accepted"
    assert refused(boom, ModelFileError) == "raised ValueError: x"
    assert refused(boom, ValueError) is None
    assert refused(two_lines, ModelFileError) == "the message is not one line: 'x\\ny'"
    assert clean(lambda: None, ValueError) is None
    assert clean(boom, ModelFileError) == "raised ValueError: x"


def test_memory_that_rises_is_noticed():
    outcome, memory = Outcome(), Memory()
    held = bytearray(80 * 2**20)
    memory.check(outcome)
    assert len(held) == 80 * 2**20
    assert len(outcome.failures) == 1


def test_a_check_that_is_left_out_is_noticed(monkeypatch):
    monkeypatch.setattr("convlet.model.header.check_arrays", lambda *arguments: None)
    assert model_damage.mutations(130).failures


def test_a_parser_that_breaks_is_noticed(monkeypatch):
    monkeypatch.setattr("convlet.data.idx.INFLATES", "x")
    assert fuzz.plain("idx", 50).failures


def test_random_changes_reach_every_corner_of_the_parsers(tmp_path):
    """Most inputs must not fall at the first hurdle."""
    reasons, rng = set(), random.Random(0)
    path = tmp_path / "file"
    for _ in range(3000):
        path.write_bytes(fuzz.mutated(rng, rng.choice(fuzz.seeds("idx")))[1:])
        try:
            idx.read(path, 3)
        except DataError as error:
            reasons.add("".join(c for c in str(error) if not c.isdigit())[len(str(path)) :][:20])
    assert len(reasons) >= 7


@pytest.mark.parametrize(
    ("layer", "name", "planted", "case", "says"),
    [
        (MaxPool, "backward", lambda right: lambda self, dy, saved, p: right(self, dy, (saved[0], saved[1] & 255), p),
         {"layers": (MaxPool(17),), "shape": (20, 20, 40)}, "dx differs by 1"),
        (ReLU, "backward", lambda right: lambda self, dy, saved, p: (dy * (1 + 1e-6 * saved), {}),
         {"layers": (ReLU(),), "shape": (2, 3, 5)}, "dx differs by"),
        (Tanh, "forward", lambda right: lambda self, x, p, s, run: (np.nan_to_num(np.tanh(x)), np.tanh(x)),
         {"layers": (Tanh(),), "shape": (2, 3, 5), "place": "x", "spoiled": np.inf}, "y has 1 numbers that are not finite"),
        (Dropout, "forward", lambda right: lambda self, x, p, s, run: (np.nan_to_num(x) * 2, True),
         {"layers": (Dropout(0.5),), "shape": (2, 3, 5), "place": "x", "spoiled": np.nan}, "y has 1 numbers that are"),
    ],
    ids=["a winner of one byte", "a gradient wrong by a millionth", "infinity becomes 1", "NaN is dropped"],
)  # fmt: skip
def test_a_kernel_that_differs_from_its_definition_is_noticed(layer, name, planted, case, says, monkeypatch):
    case = Case(images=2, seed=1, largest=1000, **case)
    assert failure(case) is None
    monkeypatch.setattr(layer, name, planted(getattr(layer, name)))
    found = failure(case)
    assert found.startswith(f"{case}: {says}")


def test_cases_reach_the_whole_range():
    drawn, wanted = draws(0), set()
    for _ in range(400):
        case = draw(drawn)[0]
        for layer in case.layers:
            wanted.add(type(layer).__name__)
            if isinstance(layer, MaxPool):
                wanted |= {"window over a byte"} if layer.size > 16 else set()
                wanted |= {"overlap"} if layer.stride < layer.size else set()
            if isinstance(layer, Conv):
                wanted |= {layer.padding, "stride"} if layer.stride > 1 else {layer.padding}
                wanted |= {"larger than the image"} if layer.size > max(case.shape[:2]) else set()
                wanted |= {"many filters"} if layer.filters > 256 else set()
        wanted |= {f"{case.images} image"} if case.images == 1 else set()
        wanted |= {"many channels"} if case.shape[2] > 256 else set()
    names = {name for name in vars(layers) if name in layers.__all__ and isinstance(vars(layers)[name], type)}
    kinds = {name for name in names if issubclass(vars(layers)[name], layers.Layer)} - {"Layer", "Sequential"}
    extra = {"window over a byte", "overlap", "same", "valid", "stride", "larger than the image", "many filters"}
    assert wanted >= kinds | extra | {"1 image", "many channels"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_save_that_is_not_atomic_is_noticed(monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")
    assert in_process("tests.torture.planted").failures
