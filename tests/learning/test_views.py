"""Views: how an image is shown to predict it."""

from __future__ import annotations

import numpy as np

from convlet.learning.views import AS_IT_IS, View, parse_views

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 2)).astype(np.uint8)


def test_words_and_their_views():
    assert parse_views("") == (AS_IT_IS,)
    assert parse_views("flip") == (AS_IT_IS, View(0, 0, True))
    five = [(0, 0), (2, 0), (-2, 0), (0, 2), (0, -2)]
    assert parse_views("shift2") == tuple(View(*place, False) for place in five)
    assert parse_views("shift2-flip") == tuple(View(*place, flip) for flip in (False, True) for place in five)


def test_a_view_moves_repeats_the_edge_and_mirrors():
    assert AS_IT_IS.show(IMAGES) is IMAGES
    wide = np.pad(IMAGES, ((0, 0), (2, 2), (2, 2), (0, 0)), "edge")
    for down, right in ((1, 0), (-2, 0), (0, 2), (2, -1)):
        wanted = wide[:, 2 - down : 6 - down, 2 - right : 7 - right]
        np.testing.assert_array_equal(View(down, right, False).show(IMAGES), wanted)
        shown = View(down, right, True).show(IMAGES)
        np.testing.assert_array_equal(shown, wanted[:, :, ::-1])
        assert shown.flags.c_contiguous
        assert shown.dtype == np.uint8


def test_a_shift_larger_than_the_image_leaves_its_edge():
    shown = View(9, 0, False).show(IMAGES)
    np.testing.assert_array_equal(shown, np.repeat(IMAGES[:, :1], 4, axis=1))
