"""Presets: the right networks, settings that are valid, and epochs that follow the number of images."""

from __future__ import annotations

import pytest

from convlet.errors import SettingsError
from convlet.network.word import format_word, parse, with_head
from convlet.recipes.presets import METHODS, PRESETS, SIX, SIX_LINEAR, Entry, default_epochs, preset, settings_for

ENTRIES = [entry for entries in PRESETS.values() for entry in entries]


def test_the_six_are_those_of_the_notebook():
    assert [(entry.label, entry.architecture) for entry in SIX] == [
        ("conv + pool", "conv8-relu-pool"),
        ("pool + conv", "pool-conv8-relu"),
        ("conv + conv", "conv8-relu-conv8-relu"),
        ("conv + conv + pool", "conv8-relu-conv8-relu-pool"),
        ("conv + conv + conv + pool", "conv8-relu-conv8-relu-conv8-relu-pool"),
        ("conv + pool + conv + pool", "conv8-relu-pool-conv8-relu-pool"),
    ]


def test_six_linear_has_no_activation():
    kinds = {layer.kind for entry in SIX_LINEAR for layer in parse(entry.architecture).layers}
    assert kinds == {"conv", "max_pool"}


def test_the_methods_differ_as_their_names_say():
    settings = [settings_for(entry, 1000, {}) for entry in METHODS]
    assert [made.batch is None for made in settings] == [True, False, False, False, False]
    filters = [[layer.kind for layer in parse(entry.architecture).layers].count("conv") for entry in METHODS]
    assert filters == [0, 0, 0, 1, 2]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.label)
def test_every_word_is_in_its_plainest_form_and_fits_28x28(entry):
    network = parse(entry.architecture)
    assert format_word(network) == entry.architecture
    assert with_head(network, 10).output_shape((28, 28, 1)) == (10,)


@pytest.mark.parametrize("name", PRESETS)
def test_labels_are_unlike(name):
    labels = [entry.label for entry in preset(name)]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize(("images", "epochs"), [(54_000, 3), (20_000, 3), (1294, 47), (1, 60_000)])
def test_few_images_are_shown_more_often(images, epochs):
    assert default_epochs(images) == epochs


def test_what_is_given_wins_over_the_entry_and_that_over_the_defaults():
    entry = Entry("a", "conv8", {"epochs": 5, "learning_rate": 0.5})
    made = settings_for(entry, 1000, {"learning_rate": 0.25, "seed": 3})
    assert (made.epochs, made.learning_rate, made.seed, made.optimizer) == (5, 0.25, 3, "adam")


def test_an_unknown_preset():
    with pytest.raises(SettingsError, match=r"^unknown preset 'seven': expected six, six-linear, methods$"):
        preset("seven")


@pytest.mark.parametrize(
    ("given", "epochs"),
    [
        ({"seed": 3}, 5),
        ({"epochs": 20}, 0),
        ({"steps": 20}, 0),
        ({"minutes": 2.0}, 0),
        ({"patience": 20}, 0),
        ({"epochs": 20, "perfect_epochs": 4}, 4),
    ],
)
def test_who_says_how_long_to_train_gets_it(given, epochs):
    assert settings_for(Entry("a", "conv8", {"perfect_epochs": 5}), 1000, given).perfect_epochs == epochs
