"""What is compared, which network is chosen, and what an interrupted comparison lacks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from convlet.errors import ArchitectureError
from convlet.recipes.presets import SIX, Entry
from convlet.recipes.recipe import entry_for
from convlet.trials.choice import candidates, check_words, choose, missing, runner_up, untried
from tests.trials.test_comparison import dataset


def row(label, error, parameters, test_error=0.5):
    figures = {"validation_error": error, "parameters": parameters, "test_error": test_error, "mistakes": [0]}
    return {"label": label, "architecture": f"word-{label}"} | figures


@pytest.mark.parametrize(
    ("rows", "best"),
    [
        ([row("a", 0.2, 10), row("b", 0.1, 99)], "b"),
        ([row("a", 0.1, 99), row("b", 0.1, 10)], "b"),
        ([row("a", 0.1, 10), row("b", 0.1, 10)], "a"),
        ([row("a", 0.1, 10, test_error=0.9), row("b", 0.2, 10, test_error=0.0)], "a"),
    ],
    ids=["lowest validation error", "tie: fewer parameters", "still a tie: the first", "never the test error"],
)
def test_the_choice(rows, best):
    result = {"results": rows, "best": None, "best_label": None}
    assert choose(result, test_images=12) == best
    assert (result["best"], result["best_label"]) == (f"word-{best}", best)


def test_nothing_is_chosen_of_nothing():
    result = {"results": [], "best": None, "best_label": None}
    assert choose(result, test_images=12) is None
    assert result == {"results": [], "best": None, "best_label": None}


def test_the_runner_up_is_tested_on_the_images_that_just_one_has_wrong():
    first, second = row("a", 0.1, 1) | {"mistakes": [0, 1]}, row("b", 0.2, 1) | {"mistakes": [1, 2, 3]}
    assert runner_up(first, second, 5) == {
        "other": "b",
        "only": 1,
        "only_other": 2,
        "p_value": 1.0,
        "within_chance": True,
    }


def test_what_is_missing_is_said_in_words():
    result = {
        "results": [row("a", 0.1, 1) | {"repeats": [{}, {}]}],
        "failed": [{"label": "c", "error": ""}],
        "then": None,
    }
    found = missing(result, ["a", "b", "c"], 3, dataset("other"))
    assert found == ["a (repeat 3 of 3)", "b", "the best network on other"]


def test_words_become_entries_and_errors():
    assert candidates(["conv8", "pool"], dataset()) == (Entry("conv8", "conv8"), Entry("pool", "pool"))
    with pytest.raises(ArchitectureError, match=r"^unknown token 'covn8' at position 1 of 'covn8'; did you mean"):
        check_words(["pool", "covn8"])


def test_recipes_are_candidates_by_name():
    recipe, word = candidates(["fast", "pool"], dataset())
    assert recipe == entry_for("fast", (6, 6, 1), len(dataset().train))
    assert (recipe.label, word.label) == ("fast", "pool")


def test_without_words_the_candidates_suit_the_images():
    assert candidates([], replace(dataset(), pictures="writing")) == SIX
    for kind in ("", "objects"):
        found = candidates([], replace(dataset(), pictures=kind))
        assert [entry.label for entry in found] == ["conv16-relu-pool", "fast", "standard"]


@pytest.mark.parametrize(
    ("labels", "better"),
    [
        (["pool"], ["standard"]),
        (["fast", "pool"], ["standard"]),
        (["standard"], ["best"]),
        (["fast", "best"], []),
    ],
)
def test_a_better_recipe_that_was_not_tried_is_named(labels, better):
    assert untried([Entry(label, "pool") for label in labels]) == better
