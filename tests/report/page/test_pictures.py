"""Pictures as Pillow reads them again."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from convlet.data.thumbnails import thumbnails
from convlet.report.page import pictures, png

RNG = np.random.default_rng(0)


def opened(address):
    start = "data:image/png;base64,"
    assert address.startswith(start)
    return Image.open(io.BytesIO(base64.b64decode(address[len(start) :])))


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (4, 6, 3), (1, 1, 3), (9, 1)])
@pytest.mark.parametrize("even", [False, True], ids=["noise", "a ramp"])
def test_a_png_gives_its_pixels_back(shape, even):
    pixels = RNG.integers(0, 256, shape).astype(np.uint8)
    if even:
        pixels = (np.arange(pixels.size) % 256).reshape(shape).astype(np.uint8)
    found = np.array(Image.open(io.BytesIO(png.encode(pixels))))
    np.testing.assert_array_equal(found, pixels[..., 0] if shape[2:] == (1,) else pixels)


@pytest.mark.parametrize("width", [1, 6, 7])
def test_an_indexed_png_gives_its_colours_back(width):
    numbers, colours = RNG.integers(0, 16, (5, width)), pictures.palette("sequential")
    found = np.array(Image.open(io.BytesIO(png.encode_indexed(numbers, colours))).convert("RGB"))
    np.testing.assert_array_equal(found, colours[numbers])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("coarse", [False, True])
def test_a_sheet_holds_every_image_in_its_place(channels, coarse):
    images = RNG.integers(0, 256, (23, 4, 5, channels)).astype(np.uint8)
    made = pictures.sheet(images, coarse)
    whole = np.array(opened(made.uri).convert("RGB"))
    assert whole.shape == (made.rows * 4, made.columns * 5, 3)
    for number, image in enumerate(images):
        top, left = number // made.columns * 4, number % made.columns * 5
        difference = np.abs(whole[top : top + 4, left : left + 5].astype(int) - image)
        assert difference.max() <= (9 if coarse else 0)


def test_the_range_of_float_images_is_stretched_and_uint8_stays():
    images = np.array([[-1.0, 0.0, 3.0]]).reshape(1, 1, 3, 1)
    assert pictures.Range.of(images).bytes(images).reshape(-1).tolist() == [0, 64, 255]
    whole = RNG.integers(10, 50, (2, 3, 3, 1)).astype(np.uint8)
    assert pictures.Range.of(whole).bytes(whole) is whole
    flat = np.full((1, 2, 2, 1), 7.0)
    assert pictures.Range.of(flat).bytes(flat).max() == 0
    assert pictures.Range.of(flat).bytes(np.zeros((2, 2, 5))).shape == (2, 2, 1)


def test_large_images_are_averaged():
    image = np.zeros((1, 130, 100, 1), np.uint8)
    image[0, :3, :3] = 90
    found = thumbnails(image)
    assert found.shape == (1, 43, 33, 1)
    assert found[0, 0, 0, 0] == 90
    assert found[0, 1:].max() == 0


def test_filters_have_a_colour_for_zero():
    found = np.array(opened(pictures.filters(np.array([[[-2.0, 0.0, 2.0]]]), 3)).convert("RGBA"))[0]
    side, gap = pictures.SMALLEST, pictures.GAP
    assert len(found) == 3 * side + 2 * gap
    for place, stop in ((0, 0), (side + gap, 3), (2 * (side + gap), -1)):
        assert found[place].tolist() == [*pictures.STOPS["diverging"][stop], 255]
    assert found[side][3] == 0


def test_what_is_even_can_be_drawn_too():
    for address in (
        pictures.heat(np.zeros((3, 3))),
        pictures.strip(np.zeros((3, 3, 2)), 2),
        pictures.filters(np.zeros((2, 2, 3)), 2),
        pictures.filters_in_colour(np.zeros((2, 2, 3, 4)), 2),
        pictures.overlay(np.zeros((3, 3, 1), np.uint8), np.zeros((3, 3))),
    ):
        opened(address).load()


def test_an_overlay_is_brightest_where_the_evidence_is():
    cam = np.zeros((4, 4))
    cam[1, 2] = 5
    found = np.array(opened(pictures.overlay(np.full((4, 4, 3), 100, np.uint8), cam))).sum(axis=2)
    assert np.unravel_index(found.argmax(), found.shape) == (1, 2)
