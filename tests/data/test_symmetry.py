"""Mirror images tried by nearest neighbours: signs and arrows change their class, symmetrical things keep it."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.data import symmetry
from tests.data import mirrored


@pytest.mark.parametrize("draw", [mirrored.arrows, mirrored.signs, mirrored.digits])
def test_signs_and_arrows_become_others(draw):
    found = symmetry.tried(*draw())
    assert found.changes
    assert found.is_of_signs
    assert not found.keeps
    assert found.lost >= 0.4


@pytest.mark.parametrize("draw", [mirrored.blobs, mirrored.textures])
def test_symmetrical_things_keep_their_class(draw):
    found = symmetry.tried(*draw())
    assert found.keeps
    assert not found.changes
    assert found.classes == ()


def test_arrows_anywhere_on_photographs_are_seen_by_their_local_patterns():
    found = symmetry.tried(*mirrored.arrows_on_photographs())
    assert found.changes
    assert found.near <= symmetry.NEAR


def test_two_classes_of_many_are_enough():
    images, labels = mirrored.blobs(classes=8, count=640)
    left, _ = mirrored.arrows()
    right = left[:, :, ::-1]
    images[labels == 2], images[labels == 3] = left[::4][:80], right[::4][:80]
    found = symmetry.tried(images, labels)
    assert found.changes
    assert found.lost < 0.4
    assert found.classes == (2, 3)


@pytest.mark.parametrize(
    ("images", "classes"),
    [
        (np.zeros((40, 8, 8, 1), np.uint8), 2),
        (np.random.default_rng(0).integers(0, 256, (200, 12, 12, 1), np.uint8), 4),
        (np.random.default_rng(0).integers(0, 256, (200, 5, 12, 1), np.uint8), 4),
        (np.random.default_rng(0).integers(0, 256, (1, 12, 12, 1), np.uint8), 1),
        (np.full((40, 8, 8, 1), np.nan, np.float32), 2),
        (np.random.default_rng(0).integers(0, 256, (200, 12, 12, 1), np.uint8), 1),
    ],
    ids=["blank", "noise", "small", "one", "not finite", "one class"],
)
def test_nothing_is_said_without_evidence(images, classes):
    found = symmetry.tried(images, np.arange(len(images)) % classes)
    assert not found.evidence
    assert (found.changes, found.keeps) == (False, False)


def test_it_is_the_same_each_time_and_for_other_kinds_of_numbers():
    images, labels = mirrored.signs()
    first = symmetry.tried(images, labels)
    assert symmetry.tried(images, labels) == first
    assert symmetry.tried((images / 255).astype(np.float32), labels).lost == pytest.approx(first.lost, abs=0.02)


def test_at_most_so_many_images_are_looked_at():
    images, labels = mirrored.blobs(count=symmetry.MOST_TRIED + 500)
    assert symmetry.tried(images, labels).images == symmetry.MOST_TRIED


def test_a_loss_that_may_be_chance_is_not_said_to_be_none():
    """Few images that find their class, and some of those lost: nothing follows."""
    found = symmetry.Mirrored(1500, 579, 530, evidence=True, at_most=0.45)
    assert (found.changes, found.keeps) == (False, False)
