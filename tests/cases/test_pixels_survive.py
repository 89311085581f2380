"""What pictures show reaches the network: deep greys, transparent grounds, turns, frames; or the set is refused."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from convlet import data
from convlet.data import pictures
from convlet.data.reading_rules import ReadingRules
from convlet.errors import DataError
from tests.cases.toy import counts, folder, loaded, picture


def refused(place, message, **options):
    with pytest.raises(DataError) as caught:
        data.load(place, **options)
    assert str(caught.value) == message.format(place=place)


def deep(top, low=0, kind=np.uint16, name="png"):
    """Save pictures whose greys lie from `low` to `top`."""

    def write(pixels, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((low + pixels / 255 * (top - low)).astype(kind)).save(path.with_suffix(f".{name}"))

    return write


@pytest.mark.parametrize(
    ("top", "low", "kind", "name"),
    [
        (255, 0, np.uint16, "png"),
        (4095, 0, np.uint16, "png"),
        (65535, 0, np.uint16, "png"),
        (31000, 30000, np.uint16, "tif"),
        (1, 0, np.float32, "tif"),
        (1000, -1000, np.int32, "tif"),
        (9e6, 0, np.float32, "tif"),
    ],
)
def test_deep_greys_are_scaled_by_the_range_of_the_training_set(tmp_path, top, low, kind, name):
    folder(tmp_path / "deep", 6, write=deep(top, low, kind, name))
    folder(tmp_path / "plain", 6)
    found, lines = loaded(tmp_path / "deep")
    expected, _ = loaded(tmp_path / "plain")
    np.testing.assert_allclose(found.train.images, expected.train.images, atol=2)
    assert found.train.images.max() == 255
    assert found.train.images.min() == 0
    assert any("pictures of more than 8 bits are scaled from" in line for line in lines)
    # what is found is enough to read a new picture in the same way
    path = found.train.names[0]
    np.testing.assert_array_equal(pictures.read(path, rules=found.rules), found.train.images[0])
    assert found.rules.scale == pytest.approx(top - low, rel=0.02)


def test_a_few_pixels_far_from_all_others_are_said(tmp_path):
    def write(pixels, path):
        values = (pixels // 2).astype(np.uint16)
        values[0, 0] = 65535
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(path)

    folder(tmp_path, 4, write=write)
    refused(
        tmp_path,
        "{place}: of deep pictures with values from 0 to 65535 only 2 grey levels are left; a few pixels far from all "
        "others stretch the range, remove them",
    )


def ink(colour, mode="RGBA", ground=(0, 0, 0, 0)):
    """Save signs as ink of one colour on a transparent ground."""

    def write(pixels, path):
        image = Image.new("RGBA", pixels.shape[::-1], colour)
        image.putalpha(Image.fromarray(np.where(pixels > 100, pixels, 0).astype(np.uint8)))
        path.parent.mkdir(parents=True, exist_ok=True)
        if mode == "P":
            flat = Image.new("RGB", image.size, (255, 0, 255))
            flat.paste(colour[:3], mask=image.getchannel("A"))
            image = flat.convert("P", palette=Image.Palette.ADAPTIVE, colors=4)
            image.info["transparency"] = image.getpixel((0, 0))
        else:
            image = image.convert(mode)
        image.save(path.with_suffix(".png"))

    return write


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
@pytest.mark.parametrize(
    ("colour", "ground"), [((0, 0, 0), "white"), ((30, 20, 30), "white"), ((255, 255, 255), "black")]
)
def test_transparent_pictures_lie_over_the_ground_that_shows_them(tmp_path, mode, colour, ground):
    folder(tmp_path, 6, write=ink(colour, mode))
    found, lines = loaded(tmp_path)
    assert found.rules.ground == ground
    assert found.train.images.std() > 40
    assert f"  18 pictures may have transparent parts; they are laid over {ground}, where they can be seen" in lines
    path = found.train.names[0]
    np.testing.assert_array_equal(pictures.read(path, rules=found.rules), found.train.images[0])


def test_pictures_that_are_transparent_nowhere_need_no_ground(tmp_path):
    folder(tmp_path, 6, write=_opaque)
    found, lines = loaded(tmp_path)
    assert found.rules == ReadingRules()
    assert not any("transparent" in line for line in lines)


def _opaque(pixels, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.dstack([pixels] * 3 + [np.full_like(pixels, 255)])).save(path)


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("name", ["jpg", "png", "webp", "tif"])
def test_every_turn_a_camera_notes_is_applied(tmp_path, turn, name):
    upright = np.zeros((24, 16), np.uint8)
    upright[:8] = 255
    upright[:, :4] = 128
    undo = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
            5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
            8: Image.Transpose.ROTATE_270}  # fmt: skip
    stored = Image.fromarray(upright).convert("RGB")
    stored = stored.transpose(undo[turn]) if turn in undo else stored
    exif = Image.Exif()
    exif[0x0112] = turn
    for kind in ("a", "b"):
        (tmp_path / kind).mkdir()
        stored.save(tmp_path / kind / f"1.{name}", exif=exif, **({"quality": 95} if name == "jpg" else {}))
        Image.fromarray(upright // 2 + 9).convert("RGB").save(tmp_path / kind / "2.png")
    assert dict(data.survey(tmp_path).sizes) == {(24, 16): 4}
    found, _ = loaded(tmp_path, validation=0)
    whole = {
        name: image for part in (found.train, found.test) for name, image in zip(part.names, part.images, strict=True)
    }
    np.testing.assert_allclose(
        whole[str(tmp_path / "a" / f"1.{name}")][..., 0], upright, atol=40 if name != "png" else 0
    )


def test_files_of_several_frames_give_the_first_and_say_so_once(tmp_path):
    folder(tmp_path, 4)
    rng = np.random.default_rng(5)
    frames = [Image.fromarray(picture(kind, rng)) for kind in ("bar", "ring")]
    for name in ("1.gif", "2.tif", "3.webp"):
        more = {"lossless": True} if name.endswith("webp") else {}
        frames[0].save(tmp_path / "bar" / name, save_all=True, append_images=frames[1:], **more)
    frames[0].convert("RGB").save(
        tmp_path / "bar" / "4.jpg", "MPO", save_all=True, append_images=[frames[1].convert("RGB")]
    )
    found, lines = loaded(tmp_path)
    assert sum(counts(found)) == 16
    assert "  4 files have several frames; the first of each is taken" in lines
    np.testing.assert_array_equal(pictures.read(tmp_path / "bar" / "1.gif")[..., 0], np.asarray(frames[0]))


def test_pictures_of_nothing_are_refused(tmp_path):
    folder(tmp_path / "equal", 4, write=lambda pixels, path: _opaque(pixels * 0, path))
    with pytest.raises(DataError, match=r"equal: all \d+ training images are equal; nothing can be learned"):
        data.load(tmp_path / "equal")
    greys = iter([10, 200] * 6)
    folder(tmp_path / "constant", 4, write=lambda pixels, path: _opaque(np.full_like(pixels, next(greys)), path))
    with pytest.raises(DataError, match="constant: every training image is of one grey; nothing can be learned"):
        data.load(tmp_path / "constant")


@pytest.mark.parametrize("name", ["a.jpg", "progressive.jpg", "a.png"])
def test_large_photos_are_decoded_small_within_the_memory(tmp_path, name):
    """A photo of 12 million pixels: as the same picture shrunk exactly."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (12, 16), np.uint8)
    large = Image.fromarray(np.kron(small, np.ones((250, 250), np.uint8))).convert("RGB")
    path = tmp_path / name
    large.save(path, **({"progressive": True} if name.startswith("pro") else {}))
    found = pictures.read(path, (12, 16))
    np.testing.assert_allclose(found[..., 0], small, atol=8)
    with pytest.raises(DataError, match="has 3000 x 4000 pixels; a picture may have at most 4,000,000, resize it with"):
        pictures.read(path)


def test_pictures_for_a_model_are_read_by_its_rules(tmp_path):
    folder(tmp_path / "train", 6, write=deep(4095))
    folder(tmp_path / "dark", 6, write=deep(2000))
    rules = loaded(tmp_path / "train")[0].rules
    alone, by_rules = loaded(tmp_path / "dark")[0], loaded(tmp_path / "dark", rules=rules)[0]
    assert alone.train.images.max() == 255
    assert 120 < by_rules.train.images.max() < 130
    assert by_rules.rules == rules


def wide(shift):
    """Save grey pictures as PNG files of 16 bits a colour, which Pillow reads but does not write."""

    def write(pixels, path):
        rows = np.repeat((pixels.astype(np.uint16) << shift)[..., None], 3, axis=2).astype(">u2")
        raw = b"".join(b"\0" + row.tobytes() for row in rows)
        header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, 2, 0, 0, 0)
        path.parent.mkdir(parents=True, exist_ok=True)
        chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
        body = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks]
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(body))

    return write


def test_colours_of_16_bits(tmp_path):
    folder(tmp_path / "full", 4, write=wide(8))
    found, lines = loaded(tmp_path / "full")
    assert found.train.images.max() == 255
    assert "  12 pictures have 16 bits a colour, of which the upper 8 are read" in lines
    folder(tmp_path / "low", 4, write=wide(4))
    refused(
        tmp_path / "low",
        "{place}: 12 pictures have 16 bits a colour, but use only the lowest part of that range: the upper 8 bits, which "
        "are read, reach 15 of 255; save them with 8 bits, or in grey",
    )
