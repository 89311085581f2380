"""What images show is guessed from their mirror images too, and the line says what was found and what follows."""

from __future__ import annotations

import numpy as np
import pytest

from convlet import data
from convlet.data import guess
from convlet.recipes.presets import SIX
from convlet.trials.choice import candidates
from tests.data import mirrored


def named(count, start="kind"):
    return tuple(f"{start} {k}" for k in range(count))


NUMBERS = tuple(map(str, range(10)))


@pytest.mark.parametrize(
    ("draw", "classes", "by_people", "kind"),
    [
        (mirrored.digits, NUMBERS, False, guess.WRITING),
        (mirrored.digits, NUMBERS, True, guess.WRITING),
        (mirrored.signs, NUMBERS[:8], False, guess.WRITING),
        (mirrored.signs, named(8), True, guess.WRITING),
        (mirrored.arrows, named(4), True, guess.WRITING),
        (mirrored.blobs, NUMBERS[:4], False, guess.OBJECTS),
        (mirrored.blobs, NUMBERS[:4], True, guess.OBJECTS),
        (mirrored.blobs, named(4), True, guess.OBJECTS),
        (mirrored.blobs, tuple("abcd"), True, guess.WRITING),
        (mirrored.textures, named(3), True, guess.OBJECTS),
        (mirrored.arrows_on_photographs, named(4), True, guess.UNKNOWN),
        (mirrored.arrows_on_photographs, NUMBERS[:4], False, guess.UNKNOWN),
    ],
)
def test_the_guess(draw, classes, by_people, kind):
    assert guess.guess(*draw(), classes, by_people).kind == kind


@pytest.mark.parametrize(
    ("draw", "text"),
    [
        (
            mirrored.arrows,
            "the images show: writing (a guess, --pictures decides); mirror images look like other classes "
            "(nearest-neighbour error 50 % mirrored, 0 % as they are), so recipes train without mirror images",
        ),
        (
            mirrored.textures,
            "the images show: objects (a guess, --pictures decides); mirror images keep their class "
            "(nearest-neighbour error 0 % mirrored, 0 % as they are), so recipes train with mirror images",
        ),
    ],
)
def test_the_line(draw, text):
    images, labels = draw()
    assert guess.guess(images, labels, named(4), True).line() == text


def test_the_line_without_evidence():
    assert guess.Guess(guess.UNKNOWN).line() == (
        "the images show: unknown (a guess, --pictures decides); recipes train without mirror images; if left and right "
        "may be exchanged, say --pictures objects"
    )


def test_digits_in_an_archive_get_the_six_networks_and_other_images_the_general_ones(tmp_path):
    for name, draw in (("digits", mirrored.digits), ("blobs", mirrored.blobs)):
        images, labels = draw()
        np.savez(tmp_path / f"{name}.npz", images=images[..., 0], labels=labels)
    assert candidates((), data.load(tmp_path / "digits.npz")) == SIX
    found = candidates((), data.load(tmp_path / "blobs.npz"))
    assert [entry.label for entry in found] == ["conv16-relu-pool", "fast", "standard"]
    given = data.load(tmp_path / "blobs.npz", pictures="writing")
    assert candidates((), given) == SIX
