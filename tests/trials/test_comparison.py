"""The comparison: how it chooses, what an interruption or a failed training leaves, what it refuses at the start."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convlet.data.dataset import Dataset, ImageSet
from convlet.errors import ArchitectureError, DataError, SettingsError
from convlet.random import REPEAT, derived_seed
from convlet.recipes.presets import METHODS, Entry
from convlet.trials.choice import candidates
from convlet.trials.comparison import Comparison, file_names

CLASSES = ("dark", "middle", "bright")
POOL, CONV, WIDE = Entry("pool", "pool"), Entry("conv", "conv2-relu-pool"), Entry("wide", "conv4-relu-pool")
FEW = Entry("pool", "pool", {"epochs": 2})
DIVERGES = Entry("diverges", "conv2", {"optimizer": "sgd", "learning_rate": 1e38, "epochs": 3})


@pytest.fixture(autouse=True)
def _reference(monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")


def images(count, seed):
    labels = np.arange(count, dtype=np.int64) % 3
    pixels = labels[:, None, None, None] * 60 + np.random.default_rng(seed).integers(0, 40, (count, 6, 6, 1))
    return ImageSet(pixels.astype(np.uint8), labels)


def dataset(name="tiny"):
    return Dataset(name, "made here", CLASSES, images(24, 0), images(9, 1), images(12, 2))


def compare(*entries, **more):
    given = {"epochs": 1, "threads": 1} | more.pop("given", {})
    return Comparison(dataset(), entries, given, **more)


class Stops:
    """A watcher that stands for Ctrl-C: at the start of training number n, or right after it."""

    def __init__(self, number, after=False):
        self.number, self.after, self.now = number, after, 0

    def start(self, label, number, count):
        self.now = number
        if number == self.number and not self.after:
            raise KeyboardInterrupt

    def update(self, progress): ...

    def finish(self, text):
        if self.now == self.number and self.after:
            raise KeyboardInterrupt


def labels_of(result):
    return [row["label"] for row in result["results"]]


# --- the choice


def test_other_test_images_change_neither_weights_nor_choice():
    first = compare(POOL, CONV).run()
    other = Comparison(replace(dataset(), test=images(12, 5)), (POOL, CONV), {"epochs": 1, "threads": 1}).run()
    assert first["best_label"] == other["best_label"]
    assert [row["sha256"] for row in first["results"]] == [row["sha256"] for row in other["results"]]


def test_two_ways_to_train_one_architecture_are_told_apart():
    slow = Entry("slow", "pool", {"learning_rate": 1e-9, "epochs": 20})
    fast = Entry("fast", "pool", {"learning_rate": 0.05, "epochs": 20})
    comparison = Comparison(dataset(), (slow, fast), {"threads": 1, "batch": 4}, then=dataset("other"))
    result = comparison.run()
    assert result["best_label"] == "fast"
    assert result["then"]["label"] == "fast"
    assert result["results"][1]["settings"] == {"learning_rate": 0.05}
    hashes = {name: model.sha256() for name, model in comparison.models.items()}
    assert [hashes["pool"], hashes["pool-2"]] == [row["sha256"] for row in result["results"]]
    assert hashes["then-pool-2"] == result["then"]["sha256"]


# --- the result


def test_what_a_result_holds():
    result = compare(POOL, CONV, then=dataset("other")).run()
    assert list(result) == [
        *("data", "settings", "machine", "versions", "results", "best", "best_label", "untried"),
        *("paired", "then"),
        *("failed", "missing"),
    ]
    assert result["settings"]["epochs"] == 1
    assert result["settings"]["repeats"] == 1
    assert result["versions"]["engine"] == "reference"
    assert result["then"]["data"]["name"] == "other"
    assert list(result["results"][0]) == [
        *("label", "architecture", "parameters", "train_seconds", "images_per_second", "validation_error"),
        *("test_error", "test_error_interval", "headline", "best_epoch", "confusion_matrix", "mistakes"),
        *("worst", "history", "rollbacks", "stopped"),
        *("sha256",),
    ]
    assert (result["failed"], result["missing"]) == ([], [])


def test_the_two_best_are_held_against_each_other_on_the_same_test_images():
    comparison = compare(POOL, CONV)
    result = comparison.run()
    data, rows = comparison.data.test, sorted(result["results"], key=lambda row: row["validation_error"])
    models = [comparison.models[row["architecture"]] for row in rows]
    wrong = [model.predict(data.images) != data.labels for model in models]
    assert [row["mistakes"] for row in rows] == [np.flatnonzero(each).tolist() for each in wrong]
    paired = result["paired"]
    assert paired["other"] == rows[1]["label"]
    assert paired["only"] == (wrong[0] & ~wrong[1]).sum()
    assert paired["only_other"] == (wrong[1] & ~wrong[0]).sum()
    assert paired["within_chance"] == (paired["p_value"] >= 0.05)
    assert compare(POOL).run()["paired"] is None


def test_repeats_have_independent_seeds_and_the_first_one_s_model():
    comparison = compare(CONV, repeats=3, given={"seed": 7})
    (found,) = comparison.run()["results"]
    assert [run["seed"] for run in found["repeats"]] == [derived_seed(7, REPEAT, repeat) for repeat in range(3)]
    assert found["repeats"][0]["seed"] == 7
    assert comparison.models["conv2-relu-pool"].sha256() == found["repeats"][0]["sha256"] == found["sha256"]
    alone = compare(CONV, given={"seed": derived_seed(7, REPEAT, 1)}).run()
    assert alone["results"][0]["sha256"] == found["repeats"][1]["sha256"]


# --- interrupted and failed


@pytest.mark.parametrize(
    ("stop", "finished", "missing"),
    [
        (Stops(1), [], ["pool", "conv", "the best network on other"]),
        (Stops(2), ["pool"], ["conv", "the best network on other"]),
        (Stops(2, after=True), ["pool", "conv"], ["the best network on other"]),
        (Stops(3), ["pool", "conv"], ["the best network on other"]),
    ],
    ids=["at once", "at the second", "after the second", "at the other data"],
)
def test_an_interruption_keeps_what_is_finished(stop, finished, missing):
    result = compare(POOL, CONV, then=dataset("other")).run(stop)
    assert labels_of(result) == finished
    assert result["missing"] == missing
    assert (result["best_label"] in finished) == bool(finished)
    assert result["then"] is None


def test_an_interruption_keeps_finished_repeats():
    result = compare(POOL, CONV, repeats=3).run(Stops(6))
    assert [len(row["repeats"]) for row in result["results"]] == [3, 2]
    assert result["missing"] == ["conv (repeat 3 of 3)"]
    once = compare(POOL, CONV, repeats=3).run(Stops(2))
    assert labels_of(once) == ["pool"]
    assert once["missing"] == ["pool (repeats 2 to 3 of 3)", "conv"]


def test_an_interruption_of_the_other_data_keeps_its_repeats():
    result = compare(POOL, repeats=2, then=dataset("other")).run(Stops(4))
    assert result["then"]["data"]["name"] == "other"
    assert result["missing"] == ["the best network on other (repeat 2 of 2)"]


def test_a_network_that_diverges_leaves_the_others():
    result = Comparison(dataset(), (DIVERGES, FEW), {"threads": 1, "shard": 8}).run()
    assert labels_of(result) == ["pool"]
    assert result["best_label"] == "pool"
    message = (
        "the validation loss is nan after epoch 1 of 3, step 1 of 3: layer 3 (dense3) puts out values that are not "
        "finite (learning rate 1e+38); lower --learning-rate"
    )
    assert result["failed"] == [{"label": "diverges", "error": message}]
    assert result["missing"] == []


def test_where_all_diverge_nothing_is_chosen():
    result = Comparison(dataset(), (DIVERGES,), {"threads": 1}, then=dataset("other")).run()
    assert (result["results"], result["best"], result["then"]) == ([], None, None)


def test_a_failed_network_is_not_missing_after_an_interruption():
    result = Comparison(dataset(), (DIVERGES, FEW, CONV), {"threads": 1}).run(Stops(3))
    assert [failure["label"] for failure in result["failed"]] == ["diverges"]
    assert result["missing"] == ["conv"]


# --- refused before anything is trained


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: compare(), SettingsError, "a comparison needs at least one network, but got none"),
        (lambda: compare(POOL, POOL), SettingsError, "'pool' was given 2 times; give each network once"),
        (
            lambda: Comparison(replace(dataset(), validation=images(0, 1)), (POOL, CONV)),
            DataError,
            "tiny has no validation images to choose one of 2 networks by; raise --validation, as in --validation 0.1",
        ),
        (
            lambda: compare(POOL, Entry("deep", "pool-pool-pool")),
            ArchitectureError,
            "layer 3 (pool): needs at least 2x2 pixels, but got 1x1 of shape 1x1x1; "
            "pool less before it or use larger images",
        ),
        (
            lambda: compare(POOL, given={"epochs": 0}),
            SettingsError,
            "epochs must be a whole number from 1 to 2**32 - 1, but got 0",
        ),
    ],
    ids=["none", "twice", "nothing to choose by", "too much pooling", "no epochs"],
)
def test_refused(make, kind, message):
    with pytest.raises(kind) as caught:
        make()
    assert str(caught.value) == message


def test_a_single_network_needs_no_validation_images():
    alone = Comparison(replace(dataset(), validation=images(0, 1)), (POOL,), {"epochs": 1, "threads": 1}).run()
    assert alone["best"] == "pool"
    assert alone["results"][0]["validation_error"] is None


def test_recipes_say_how_long_they_take(monkeypatch):
    comparison = Comparison(dataset(), candidates(["pool", "fast"], dataset()), {"threads": 1})
    ((name, word, settings, seconds),) = comparison.recipes()
    assert (name, word, settings.epochs) == ("fast", "conv16-relu-conv32-relu-pool", 100)
    assert seconds > 0


def test_file_names_are_unlike_and_short():
    long = "-".join(["conv8"] * 60)
    names = file_names([*METHODS, Entry("x", long), Entry("y", f"{long}-relu"), WIDE])
    assert names[METHODS[0].label] == "dense40"
    assert names[METHODS[1].label] == "dense40-2"
    assert names["wide"] == "conv4-relu-pool"
    assert len(set(names.values())) == len(names)
    assert max(map(len, names.values())) <= 130


def test_repeats_of_an_ensemble_share_no_member():
    """Seeds that only count up would make member 2 of repeat 1 the first member of repeat 2."""
    entry = replace(CONV, settings={"members": 3, "epochs": 1})
    comparison = compare(entry, repeats=3)
    models = []
    comparison.folder, once = None, comparison._train_once

    def kept(*given):
        found, model = once(*given)
        models.append(model)
        return found, model

    comparison._train_once = kept
    comparison.run()
    members = [model.member(number).sha256() for model in models for number in range(3)]
    assert len(set(members)) == len(members) == 9


def test_the_largest_seed_has_repeats_and_members():
    entry = replace(POOL, settings={"members": 2, "epochs": 1})
    (found,) = compare(entry, repeats=2, given={"seed": 2**64 - 1}).run()["results"]
    assert [run["seed"] for run in found["repeats"]] == [2**64 - 1, derived_seed(2**64 - 1, REPEAT, 1)]
