"""Pictures: every kind Pillow reads becomes grey or RGB bytes, or one clear error."""

from __future__ import annotations

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from convlet.data import pictures
from convlet.errors import DataError

RAMP = np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)


def saved(tmp_path, picture, name="picture.png", **more):
    path = tmp_path / name
    picture.save(path, **more)
    return path


def refused(path, message):
    with pytest.raises(DataError) as caught:
        pictures.read(path)
    assert str(caught.value) == message.format(path=path)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.gif", "a.tif", "a.pgm", "a.webp"])
def test_grey_stays_grey_without_loss(tmp_path, name):
    more = {"lossless": True} if name.endswith("webp") else {}
    picture = pictures.read(saved(tmp_path, Image.fromarray(RAMP), name, **more))
    if name.endswith("webp"):  # the format knows no grey
        assert picture.shape == (4, 6, 3)
    else:
        np.testing.assert_array_equal(picture[..., 0], RAMP)


@pytest.mark.parametrize(
    ("mode", "channels"),
    [("1", 1), ("L", 1), ("LA", 1), ("P", 3), ("RGB", 3), ("RGBA", 3), ("CMYK", 3), ("I;16", 1)],
)
def test_every_mode_becomes_grey_or_rgb(tmp_path, mode, channels):
    source = Image.fromarray(RAMP)
    if mode == "I;16":
        source = Image.fromarray(RAMP.astype(np.uint16) * 257)
    else:
        source = source.convert("RGB").convert(mode) if mode == "CMYK" else source.convert(mode)
    path = saved(tmp_path, source, "a.tif" if mode == "CMYK" else "a.png")
    picture = pictures.read(path)
    assert picture.shape == (4, 6, channels)
    assert picture.dtype == np.uint8
    if mode != "1":
        np.testing.assert_allclose(picture[..., 0], RAMP, atol=2)


def test_transparent_parts_lie_over_black(tmp_path):
    picture = Image.new("RGBA", (2, 1), (200, 100, 50, 0))
    picture.putpixel((1, 0), (200, 100, 50, 255))
    assert pictures.read(saved(tmp_path, picture)).tolist() == [[[0, 0, 0], [200, 100, 50]]]


def test_a_camera_s_rotation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path, Image.fromarray(RAMP).convert("RGB"), "a.png", exif=exif)
    assert pictures.read(path).shape == (6, 4, 3)


def test_resizing(tmp_path):
    path = saved(tmp_path, Image.fromarray(RAMP))
    assert pictures.read(path, (2, 3)).shape == (2, 3, 1)
    np.testing.assert_allclose(pictures.read(path, (2, 3))[0, 0, 0], RAMP[:2, :2].mean(), atol=1)
    assert pictures.read(path, (9, 9)).shape == (9, 9, 1)
    np.testing.assert_array_equal(pictures.read(path, (4, 6)), pictures.read(path))


def bomb(width, height):
    """A PNG that declares many pixels and holds none."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb(5000, 3000))
    message = "{path}: has 3000 x 5000 pixels; a picture may have at most 4,000,000, resize it with --size, as in --size 64x64"
    refused(path, message)
    path.write_bytes(bomb(50_000, 60_000))
    refused(path, "{path}: has more than 4,000,000 pixels; make it smaller")


def test_what_is_wrong_is_named(tmp_path):
    path = tmp_path / "a.png"
    refused(path, "{path}: there is no such file; expected a picture")
    refused(tmp_path, "{path}: is a folder; expected a picture")
    refused(tmp_path / "\0", "{path}: is not a name that a file can have; expected a picture")
    path.write_text("not a picture")
    refused(path, "{path}: is not a picture of a known format (PNG, JPEG, BMP, GIF, TIFF, WEBP, PPM)")
    path.write_bytes(bytes(8 * 2**20 + 1))
    refused(path, "{path}: has 8,388,609 bytes; a picture may have at most 8,388,608")
    frames = [Image.fromarray(RAMP), Image.fromarray(255 - RAMP)]
    moving = saved(tmp_path, frames[0], "b.gif", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(pictures.read(moving)[..., 0], RAMP)  # the first frame


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "{path}: is a pipe; expected a picture")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP", "PPM"])
def test_every_truncation_is_a_picture_or_one_error(tmp_path, kind):
    buffer = io.BytesIO()
    Image.fromarray(RAMP).convert("RGB").save(buffer, kind)
    whole, path = buffer.getvalue(), tmp_path / "cut"
    for length in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:length])
        try:
            assert pictures.read(path).shape == (4, 6, 3)
        except DataError as error:
            assert str(error).startswith(f"{path}: ")
            assert "\n" not in str(error)


def test_channels_are_changed_both_ways():
    grey = RAMP[..., np.newaxis]
    assert pictures.with_channels(grey, 3).shape == (4, 6, 3)
    np.testing.assert_array_equal(pictures.with_channels(pictures.with_channels(grey, 3), 1), grey)
    assert pictures.with_channels(grey, 1) is grey


@pytest.mark.parametrize(
    ("shape", "size", "form", "progressive", "message"),
    [
        ((2000, 2000), None, "PNG", False, ""),
        (
            (2000, 2001),
            None,
            "PNG",
            False,
            "a picture may have at most 4,000,000, resize it with --size, as in --size 64x64",
        ),
        ((10000, 12000), (8, 8), "JPEG", False, ""),
        ((10000, 12001), (8, 8), "JPEG", False, "a JPEG may have at most 120,000,000 with --size, make it smaller"),
        (
            (4000, 4001),
            (8, 8),
            "JPEG",
            True,
            "a progressive JPEG may have at most 16,000,000 with --size, make it smaller or save it as a plain JPEG",
        ),
        (
            (2000, 2001),
            (8, 8),
            "WEBP",
            False,
            "a WEBP may have at most 4,000,000 with --size, make it smaller or save it as a plain JPEG",
        ),
    ],
)
def test_limits_of_pixels(shape, size, form, progressive, message):
    if not message:
        pictures.check_pixels("a", shape, size, form, progressive)
        return
    with pytest.raises(DataError) as caught:
        pictures.check_pixels("a", shape, size, form, progressive)
    assert str(caught.value) == f"a: has {shape[0]} x {shape[1]} pixels; {message}"


@pytest.mark.parametrize("channels", [2, 4, 13])
def test_no_picture_has_other_than_one_or_three_channels(channels):
    with pytest.raises(DataError) as caught:
        pictures.with_channels(np.zeros((4, 4, 1), np.uint8), channels)
    assert str(caught.value) == (
        f"a picture has 1 channels, but images of {channels} are expected, which no picture holds; give arrays"
    )
