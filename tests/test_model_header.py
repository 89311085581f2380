"""The header of a model file, changed in one place at a time, each time with a checksum that fits."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from convlet import model_file
from tests.model_files import joined, make, refusal, saved, split

ARRAY = "0.batch_norm.scale"
SHAPE = "has an unusable input shape: expected three whole numbers from 1 to 65536"
CLASSES = "has unusable classes: expected a list of at least 2 names"
METADATA = (
    "has metadata other than format, version, numerics, architecture, input_shape, classes, preprocessing, "
    "settings, sha256"
)
FIELDS = f"array '{ARRAY}': expected dtype, shape and data_offsets, and nothing else"
NUMBERS = f"array '{ARRAY}': expected lists of whole numbers from 0 to 1073741824"
NO_JSON = "is no model file: its header is not valid JSON"


def test_an_unchanged_header_is_read(tmp_path):
    path = saved(tmp_path)
    path.write_bytes(joined(*split(path.read_bytes())))
    assert model_file.load(path).sha256() == make().sha256()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("format", "pt", "is no convlet model: expected the format 'convlet-model' in its metadata"),
        ("format", None, "is no convlet model: expected the format 'convlet-model' in its metadata"),
        ("version", "2", "has a version this convlet does not know, expected 1; update convlet"),
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
