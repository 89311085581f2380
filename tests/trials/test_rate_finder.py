"""The learning-rate range test: what it shows, when it ends, and what it suggests."""

from __future__ import annotations

import numpy as np
import pytest

from convlet import random
from convlet.errors import DataError
from convlet.learning.settings import Settings
from convlet.training.loop import train
from convlet.trials.rate_finder import HIGHEST, LOWEST, find_rate, suggest
from tests.training.examples import CLASSES, ImageSet, network, stripes

pytestmark = pytest.mark.usefixtures("reference")


def scan(optimizer="adam", images=60, **given):
    told = []
    found = find_rate(
        network("conv4-relu-pool"),
        stripes(images),
        classes=CLASSES,
        settings=Settings(batch=16, threads=1, optimizer=optimizer),
        on_step=lambda *place: told.append(place),
        **given,
    )
    return found, told


def test_the_rate_grows_evenly():
    found, told = scan()
    assert found.rates[0] == LOWEST
    np.testing.assert_allclose(np.diff(np.log(found.rates)), np.log(HIGHEST / LOWEST) / 199)
    assert told == [(step, 200) for step in range(1, len(found.rates) + 1)]
    assert found.smoothed[0] == pytest.approx(found.losses[0])
    assert found.losses[0] == pytest.approx(np.log(3), rel=0.2)


def test_it_ends_when_the_loss_explodes():
    found, told = scan("sgd", images=300)
    assert len(found.rates) == len(told) < 200
    assert found.smoothed[-1] > 4 * min(found.smoothed)
    assert all(loss < 4 * min(found.smoothed[: k + 1]) for k, loss in enumerate(found.smoothed[:-1]))


def test_the_smoothed_loss_is_the_mean_of_the_last_ones():
    found, _ = scan()
    weights = 0.9 ** np.arange(29, -1, -1)
    assert found.smoothed[29] == pytest.approx(np.sum(weights * found.losses[:30]) / weights.sum())


def test_the_same_seed_gives_the_same_scan():
    assert scan()[0] == scan()[0]


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "adagrad"])
def test_what_it_suggests_trains_well(optimizer):
    found, _ = scan(optimizer)
    settings = Settings(batch=16, threads=1, optimizer=optimizer, learning_rate=found.suggestion, epochs=6)
    history = train(network("conv4-relu-pool"), stripes(120), classes=CLASSES, settings=settings).history
    assert history["train_loss"][-1] < 0.3 * history["train_loss"][0]


def test_the_suggestion_lies_below_the_lowest_loss_and_where_most_of_the_way_is_done():
    rates = [0.1, 0.2, 0.4, 0.8, 1.6]
    assert suggest(rates, [3.0, 2.0, 1.5, 1.0, 9.0]) == 0.2
    assert suggest([*rates, 6.4], [3.0, 0.2, 0.1, 0.09, 0.08, 0.0]) == 0.2
    assert suggest(rates[:2], [1.0, 2.0]) == 0.1
    assert suggest([], []) == LOWEST


def test_few_images_are_shown_again_in_another_order():
    found, _ = scan(images=16, steps=5)
    orders = [random.permutation(16, 0, random.SHUFFLE, epoch=epoch).tolist() for epoch in range(2)]
    assert orders[0] != orders[1]
    assert len(found.rates) == 5


def test_images_that_cannot_be_used_are_refused():
    shown = ImageSet(stripes(4).images, [0, 1, 2, 3])
    with pytest.raises(DataError, match="must be from 0 to 2, but number 3 is 3"):
        find_rate(network("conv4"), shown, classes=CLASSES, settings=Settings())
