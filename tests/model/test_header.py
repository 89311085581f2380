"""The header of a model file, changed in one place at a time, each time with a checksum that fits."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from convlet.model import model_file
from tests.model_files import joined, make, refusal, saved, split

ARRAY = "0.batch_norm.scale"
SHAPE = "has an unusable input shape: expected three whole numbers from 1 to 65536"
CLASSES = "has unusable classes: expected a list of at least 2 names"
METADATA = (
    "has metadata other than format, version, numerics, architecture, input_shape, classes, preprocessing, "
    "settings, training_images, rules, sha256"
)
FIELDS = f"array '{ARRAY}': expected dtype, shape and data_offsets, and nothing else"
NUMBERS = f"array '{ARRAY}': expected lists of whole numbers from 0 to 1073741824"
NO_JSON = "is no model file: its header is not valid JSON"
DESCRIPTION = "has an unusable description of its training images"
DESCRIBED = "expected measured, low, high, lows, middles, highs, drawn, scores, and nothing else"
CURVE = "curve must be rows of threshold, kept and wrong images, thresholds rising"
RULES = "has unusable rules for reading pictures"


def described(**changes):
    """A description of training images in a header, changed."""
    form = {"measured": 1, "low": 0, "high": 1, "lows": [], "middles": [], "highs": [], "drawn": False, "scores": None}
    return json.dumps({**form, **changes})


def scored(**changes):
    """One with scores that were changed."""
    form = {"images": 2, "curve": [[0, 2, 0]], "means": [], "deviations": [], "limits": []}
    return described(scores={**form, **changes})


def ruled(**changes):
    """Rules for reading pictures, changed."""
    form = {"scale": None, "ground": None, "transpose": False, "size": None, "offset": 0.0}
    return json.dumps({**form, **changes})


def test_an_unchanged_header_is_read(tmp_path):
    path = saved(tmp_path)
    path.write_bytes(joined(*split(path.read_bytes())))
    assert model_file.load(path).sha256() == make().sha256()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("format", "pt", "is no convlet model: expected the format 'convlet-model' in its metadata"),
        ("format", None, "is no convlet model: expected the format 'convlet-model' in its metadata"),
        ("version", "3", "has a version this convlet does not know, expected 1 or 2; update convlet"),
        ("numerics", "3", "has a numerics version this convlet does not know, expected at most 2; update convlet"),
        ("numerics", "0", "has a numerics version this convlet does not know, expected at most 2; update convlet"),
        ("numerics", "", "has a numerics version this convlet does not know, expected at most 2; update convlet"),
        ("classes", None, METADATA),
        ("more", "x", METADATA),
        ("classes", 3, "is no model file: expected metadata of texts in its header"),
        ("architecture", "bn-gab", None),
        ("architecture", "", None),
        ("architecture", "pool", None),
        ("architecture", "dense99999999999999999999", None),
        ("input_shape", "[1,1]", SHAPE),
        ("input_shape", "[1,1,0]", SHAPE),
        ("input_shape", "[1,1,true]", SHAPE),
        ("input_shape", "[1,1,65537]", SHAPE),
        ("input_shape", "3", SHAPE),
        ("input_shape", "[1,1,NaN]", "is no model file: its header holds NaN"),
        ("input_shape", "[1,1", NO_JSON),
        ("input_shape", "1" * 5000, NO_JSON),
        ("classes", '["one"]', CLASSES),
        ("classes", '["one",2]', CLASSES),
        ("classes", '{"one":1,"two":2}', CLASSES),
        ("classes", '{"one":1,"one":2}', "is no model file: a key stands twice in its header"),
        (
            "preprocessing",
            '{"mean":[0.1]}',
            "has unusable preprocessing: preprocessing needs mean and std, and nothing else",
        ),
        (
            "preprocessing",
            '{"mean":["a"],"std":[1]}',
            "has unusable preprocessing: mean and std must be lists of numbers",
        ),
        (
            "preprocessing",
            '{"mean":[0],"std":[0]}',
            "has unusable preprocessing: mean must be finite and std at least 1e-30, and mean / std at most "
            "1e+38, but got (0.0,) and (0.0,)",
        ),
        (
            "preprocessing",
            '{"mean":[1,2],"std":[1,2]}',
            "has preprocessing for 2 channels, but images of 1",
        ),
        ("training_images", "[]", f"{DESCRIPTION}: {DESCRIBED}"),
        ("training_images", '{"measured":1}', f"{DESCRIPTION}: {DESCRIBED}"),
        ("training_images", described(measured=0), f"{DESCRIPTION}: measured must be a whole number from 1, but got 0"),
        (
            "training_images",
            described(measured=True),
            f"{DESCRIPTION}: measured must be a whole number from 1, but got True",
        ),
        ("training_images", described(low="0"), f"{DESCRIPTION}: low and high must be finite numbers of at most 1e+38"),
        (
            "training_images",
            described(low=1e39),
            f"{DESCRIPTION}: low and high must be finite numbers of at most 1e+38",
        ),
        ("training_images", described(low=2), f"{DESCRIPTION}: low must be at most high, but got 2 and 1"),
        ("training_images", described(drawn=1), f"{DESCRIPTION}: drawn must be true or false, but got 1"),
        (
            "training_images",
            described(drawn=True),
            f"{DESCRIPTION}: drawn images must have been measured, but there are no lows",
        ),
        ("training_images", described(lows=[0]), f"{DESCRIPTION}: lows must have 12 numbers in a row"),
        ("training_images", described(highs=[0]), f"{DESCRIPTION}: highs must have 0 numbers in a row"),
        (
            "training_images",
            described(lows=[1] * 12, middles=[0] * 12, highs=[1] * 12),
            f"{DESCRIPTION}: lows, middles and highs must rise in this order",
        ),
        (
            "training_images",
            described(scores=[]),
            f"{DESCRIPTION}: expected images, curve, means, deviations, limits, and nothing else",
        ),
        ("training_images", scored(images=0), f"{DESCRIPTION}: scores need validation images, but got 0"),
        ("training_images", scored(curve=[]), f"{DESCRIPTION}: {CURVE}"),
        ("training_images", scored(curve=[[0, 2, 3]]), f"{DESCRIPTION}: {CURVE}"),
        ("training_images", scored(curve=[[0, 1.5, 0]]), f"{DESCRIPTION}: {CURVE}"),
        ("training_images", scored(curve=[[0.5, 2, 0], [0, 1, 0]]), f"{DESCRIPTION}: {CURVE}"),
        ("training_images", scored(curve=[[2, 2, 0]]), f"{DESCRIPTION}: thresholds of curve must be from 0 to 1"),
        ("training_images", scored(curve=[[0, 2]]), f"{DESCRIPTION}: curve must have 3 numbers in a row"),
        ("training_images", scored(curve=7), f"{DESCRIPTION}: curve must be a list of rows"),
        ("training_images", scored(means=[[1], [1]]), f"{DESCRIPTION}: deviations must have 2 rows, but got 0"),
        (
            "training_images",
            scored(means=[[1, 2, 3]] * 2),
            f"{DESCRIPTION}: means must be 2 rows of 1 or 2 numbers, but the first has 3",
        ),
        (
            "training_images",
            scored(means=[[1], [1]], deviations=[[1], [0]], limits=[[1, 1]]),
            f"{DESCRIPTION}: deviations must be above 0",
        ),
        (
            "training_images",
            scored(means=[[1]] * 3, deviations=[[1]] * 3, limits=[[1, 1]]),
            "has scores of 3 classes, but 2 classes",
        ),
        ("rules", "3", f"{RULES}: expected scale, ground, transpose, size, offset, and nothing else"),
        ("rules", ruled(scale=0), f"{RULES}: scale must be a number above 0, or null, but got 0"),
        ("rules", ruled(offset=None), f"{RULES}: offset must be a number, but got None"),
        ("rules", ruled(ground="red"), f"{RULES}: ground must be white, black or null, but got 'red'"),
        ("rules", ruled(transpose=1), f"{RULES}: transpose must be true or false, but got 1"),
        ("rules", ruled(size=[0, 1]), f"{RULES}: size must be a height and a width, or null, but got [0, 1]"),
        ("settings", "[]", "has unusable settings: expected a JSON object"),
        (
            "settings",
            '{"epochs":0}',
            "has unusable settings: epochs must be a whole number from 1 to 2**32 - 1, but got 0",
        ),
        (
            "settings",
            '{"epoch":0}',
            "has unusable settings: unknown setting 'epoch'; did you mean 'epochs'?",
        ),
    ],
)
def test_metadata_that_cannot_be_used_is_refused(tmp_path, name, value, reason):
    path = saved(tmp_path)
    header, payload = split(path.read_bytes())
    if value is None:
        del header["__metadata__"][name]
    else:
        header["__metadata__"][name] = value
    found = refusal(path, joined(header, payload))
    if reason is None:
        assert found.startswith("has an unusable architecture: ")
    else:
        assert found == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dtype": "F64"}, f"array '{ARRAY}': expected dtype F32, but got 'F64'"),
        ({"dtype": "__import__"}, f"array '{ARRAY}': expected dtype F32, but got '__import__'"),
        ({"dtype": 5}, f"array '{ARRAY}': expected dtype F32, but got 5"),
        ({"more": 1}, FIELDS),
        ({"shape": None}, FIELDS),
        ({"shape": [True]}, NUMBERS),
        ({"shape": [-1]}, NUMBERS),
        ({"shape": "1"}, NUMBERS),
        ({"data_offsets": [0, 1.5]}, NUMBERS),
        ({"data_offsets": [0, 2**60]}, NUMBERS),
        ({"data_offsets": [0]}, "[0]"),
        ({"data_offsets": [4, 8]}, "[4, 8]"),
        ({"data_offsets": [0, 8]}, "[0, 8]"),
        ({"data_offsets": [4, 0]}, "[4, 0]"),
        ({"shape": [2**30] * 8, "data_offsets": [0, 4]}, "[0, 4]"),
        ({"shape": [1] * 9}, "[0, 4]"),
    ],
)
def test_an_array_of_another_form_is_refused(tmp_path, changes, reason):
    path = saved(tmp_path)
    header, payload = split(path.read_bytes())
    assert header[ARRAY] == {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    header[ARRAY] |= changes
    header[ARRAY] = {name: value for name, value in header[ARRAY].items() if value is not None}
    if reason.startswith("["):
        reason = (
            f"array '{ARRAY}': expected bytes from 0 on, as many as its shape needs, but got {reason}; "
            "arrays may not overlap or leave holes"
        )
    assert refusal(path, joined(header, payload)) == reason


def test_arrays_that_overlap_or_leave_holes_are_refused(tmp_path):
    path = saved(tmp_path)
    header, payload = split(path.read_bytes())
    second = "0.batch_norm.shift"
    for offsets in ([0, 4], [8, 12]):
        header[second]["data_offsets"] = offsets
        assert refusal(path, joined(header, payload)) == (
            f"array '{second}': expected bytes from 4 on, as many as its shape needs, but got {offsets}; "
            "arrays may not overlap or leave holes"
        )


def test_arrays_that_do_not_fill_the_file_are_refused(tmp_path):
    path = saved(tmp_path)
    header, payload = split(path.read_bytes())
    assert refusal(path, joined(header, payload + bytes(4))) == (
        "is cut off or too long: expected 32 bytes of arrays, but it has 36; copy it again"
    )
    assert refusal(path, joined(header, payload[:-4])) == (
        "is cut off or too long: expected 32 bytes of arrays, but it has 28; copy it again"
    )


def test_arrays_of_another_architecture_are_refused(tmp_path):
    path = saved(tmp_path)
    header, payload = split(path.read_bytes())
    header["__metadata__"]["architecture"] = "tanh-gap"
    assert refusal(path, joined(header, payload)) == (
        f"array '{ARRAY}' does not fit the architecture: expected none of that name, but got (1,)"
    )
    header["__metadata__"]["architecture"] = "bn-gap-dense1"
    assert refusal(path, joined(header, payload)) == (
        "array '2.dense.weights' does not fit the architecture: expected (1, 1), but got (1, 2)"
    )
    header["__metadata__"]["architecture"] = "bn-gap-relu-dense65536-dense65536"
    assert refusal(path, joined(header, payload)) == (
        "array '3.dense.weights' does not fit the architecture: expected (1, 65536), but got none"
    )


def test_arrays_in_another_order_are_refused(tmp_path):
    path = saved(tmp_path)
    header, payload = split(path.read_bytes())
    first, second = ARRAY, "0.batch_norm.shift"
    swapped = {}
    for name, entry in header.items():
        other = {first: second, second: first}.get(name, name)
        swapped[other] = entry
    assert refusal(path, joined(swapped, payload)) == "has its arrays in another order than its architecture"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("place", "what"), [(0, "parameters"), (7, "running statistics")])
def test_numbers_that_are_not_finite_are_refused(tmp_path, value, place, what):
    path = saved(tmp_path)
    header, payload = split(path.read_bytes())
    values = np.frombuffer(payload, "<f4").copy()
    values[place] = value
    assert refusal(path, joined(header, values.tobytes())) == (f"has {what} that are not finite; train it again")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: b"[" + text + b"]", "is no model file: its header is no JSON object"),
        (lambda text: text[:-1], NO_JSON),
        (lambda text: text[:-1] + b',"x":\xff}', "is no model file: its header is not UTF-8"),
        (lambda text: text[:-1] + b',"x":Infinity}', "is no model file: its header holds Infinity"),
        (lambda text: text[:-1] + b',"x":' + b"1" * 5000 + b"}", NO_JSON),
        (lambda text: text[:-1] + b',"x":' + b"[" * 100000 + b"}", NO_JSON),
        (lambda text: text[:-1] + b',"x":1,"x":1}', "is no model file: a key stands twice in its header"),
        (
            lambda text: text.replace(b'"dtype"', b'"dtype":"F32","dtype"', 1),
            "is no model file: a key stands twice in its header",
        ),
        (
            lambda text: text[:-1] + b',"__metadata__":{}}',
            "is no model file: a key stands twice in its header",
        ),
        (
            lambda text: text[:-1] + b',"x":{"sha256":"' + b"0" * 64 + b'"}}',
            "is no model file: expected one sha256 in its metadata",
        ),
        (
            lambda text: text.replace(b'"sha256":', b'"sha256" :'),
            "is no model file: expected one sha256 in its metadata",
        ),
        (
            lambda text: b'{"x":{"sha256":"' + b"0" * 64 + b'"}}',
            "is no model file: expected metadata of texts in its header",
        ),
    ],
)
def test_headers_that_are_not_strict_json_are_refused(tmp_path, change, reason):
    path = saved(tmp_path)
    header, payload = split(path.read_bytes())
    header["__metadata__"]["sha256"] = "0" * 64
    text = change(json.dumps(header, separators=(",", ":")).encode())
    assert refusal(path, joined(text, payload)) == reason
