"""Recipes: complete, valid, with a reason for each choice, and fitting to images of any size, number and kind."""

from __future__ import annotations

import pytest

from convlet.errors import SettingsError
from convlet.layers import AvgPool, Conv, MaxPool
from convlet.learning.augmentation import parse_augmentation
from convlet.learning.views import parse_views
from convlet.network.costs import layers_work
from convlet.network.word import format_word, parse, with_head
from convlet.recipes.presets import settings_for
from convlet.recipes.recipe import KINDS, LINE_ARCHITECTURE, VALUE_WORK, Choice
from convlet.recipes.table import RECIPES, entry_for, recipe

SHAPES = [(8, 8, 1), (28, 28, 1), (32, 32, 3), (48, 64, 3), (96, 96, 3), (6, 200, 1), (1, 30, 1), (3, 3, 1), (1, 1, 1)]


def test_there_are_three():
    assert list(RECIPES) == ["fast", "standard", "best"]


@pytest.mark.parametrize("name", RECIPES)
def test_each_choice_has_its_reason(name):
    for choice in recipe(name).choices().values():
        assert isinstance(choice, Choice)
        assert len(choice.reason) > 20, choice
        assert choice.reason[0].islower(), choice
    assert len(recipe(name).summary) > 20


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_size_gets_a_network_that_fits_in_its_plainest_form(name, shape):
    for images in (1, 50, 1000, 60_000, 10**6):
        for kind in KINDS:
            entry = entry_for(name, shape, images, kind)
            network = parse(entry.architecture)
            assert format_word(network) == entry.architecture
            assert with_head(network, 7).output_shape(shape) == (7,)
            settings_for(entry, images, {})


@pytest.mark.parametrize("name", RECIPES)
def test_larger_images_are_halved_more_often(name):
    pools = [parse(recipe(name).architecture((side, side, 3))).layers for side in (8, 28, 64, 128)]
    counts = [sum(isinstance(layer, MaxPool) for layer in layers) for layers in pools]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


@pytest.mark.parametrize("name", RECIPES)
def test_small_images_have_as_many_convolutions_and_are_halved_late(name):
    def convolutions(side):
        return sum(isinstance(layer, Conv) for layer in parse(recipe(name).architecture((side, side, 1))).layers)

    assert convolutions(8) == convolutions(28)
    assert not recipe(name).architecture((8, 8, 1)).startswith("conv32-relu-pool")


@pytest.mark.parametrize("name", RECIPES)
def test_fewer_images_are_shown_more_often_within_bounds(name):
    fewest, most = recipe(name).epochs.value
    epochs = [recipe(name).settings_for((28, 28, 1), images)["epochs"] for images in (1, 1000, 200_000, 10**7)]
    assert epochs == sorted(epochs, reverse=True)
    assert (epochs[0], epochs[2], epochs[3]) == (most, fewest, 1)


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("kind", KINDS)
def test_only_objects_are_mirrored(name, kind):
    settings = recipe(name).settings_for((28, 28, 1), 1000, kind)
    mirrored = bool(parse_augmentation(settings["augment"]).flip)
    views = any(view.mirrored for view in parse_views(settings.get("views", "")))
    assert mirrored == (kind == "objects")
    assert not views or kind == "objects"


@pytest.mark.parametrize("name", RECIPES)
def test_large_images_are_pooled_at_once(name):
    largest = recipe(name).largest_side.value
    for side in (largest, largest + 1, 2 * largest, 1000, 2000):
        first = parse(recipe(name).architecture((side, side, 3))).layers[0]
        window = -(-side // largest)
        assert isinstance(first, AvgPool) == (window > 1)
        assert window == 1 or (first.size, first.stride) == (window, window)


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("shape", [*SHAPES, (64, 64, 1), (300, 300, 3), (2000, 20, 1), (1024, 1024, 3)], ids=str)
def test_a_training_is_bounded_in_its_work(name, shape):
    """Two minutes of `fast` on two slow cores, whatever the images are; one epoch is always taken."""
    for images in (1, 100, 2000, 60_000):
        for kind in KINDS:
            entry = entry_for(name, shape, images, kind)
            work = sum(own.total for own in layers_work(parse(entry.architecture), shape))
            work += VALUE_WORK * shape[0] * shape[1] * shape[2]
            epochs, members = entry.settings["epochs"], entry.settings.get("members", 1)
            assert epochs == 1 or work * images * epochs * members <= recipe(name).most_work.value


def test_shifts_are_in_proportion_to_the_image():
    chosen = recipe("standard")
    shifts = [
        parse_augmentation(chosen.settings_for((side, side, 1), 1000, "writing")["augment"]).shift
        for side in (8, 28, 56, 96)
    ]
    assert shifts == [1, 2, 4, 7]


def test_lines_of_numbers_are_not_taken_for_pictures():
    entry = entry_for("best", (1, 20, 1), 300)
    assert entry.architecture == LINE_ARCHITECTURE
    assert not {"augment", "views"} & set(entry.settings)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("fats", "unknown recipe 'fats': expected fast, standard, best; did you mean 'fast'?"),
        ("x", "unknown recipe 'x': expected fast, standard, best"),
        (3, "unknown recipe 3: expected fast, standard, best"),
    ],
)
def test_an_unknown_recipe(name, text):
    with pytest.raises(SettingsError) as caught:
        recipe(name)
    assert str(caught.value) == text
