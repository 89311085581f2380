"""The data files of the benchmarks, and the results' place for each table."""

from __future__ import annotations

import re

import pytest

from convlet.layers import Dropout
from networks import CLASSES, FOLDER, drawn, headed, networks, targets

TABLES = (
    *("training", "inference", "epoch", "mlp", "kernels", "whole-command", "scaling"),
    *("threads", "winograd", "first-use", "first-use-drawn", "recipes"),
)


def test_every_network_fits_its_images():
    for shape, word in networks().values():
        assert headed(word).output_shape(shape) == (CLASSES,)
        assert not any(isinstance(layer, Dropout) for layer in headed(word, dropout=False).layers)


def test_an_unknown_network_is_refused():
    with pytest.raises(SystemExit) as caught:
        networks(["B1", "B9"])
    listed = "B1, B2, B3, B4, B5, B6, A4, A5, LeNet-5, wide, RGB"
    assert str(caught.value) == f"unknown network 'B9': expected {listed}"


def test_targets_belong_to_tables_and_networks():
    lines = (FOLDER / "targets.txt").read_text().splitlines()
    assert {line.split(" ")[0] for line in lines if not line.startswith("#")} <= set(TABLES)
    assert set(targets("training")) == set(networks())
    assert targets("inference") == {"B6 1": 3.0, "B6 1000": 3.0}
    assert targets("nothing") == {}


def test_every_table_has_its_place_and_its_command_in_the_results():
    text = (FOLDER / "RESULTS.md").read_text()
    for table in TABLES:
        assert text.count(f"<!-- {table} -->") == text.count(f"<!-- /{table} -->") == 1
    named = set(re.findall(r"python benchmarks/(\w+)\.py --write", text))
    assert named == {path.stem for path in FOLDER.glob("*.py") if "options(__doc__" in path.read_text()}


def test_every_script_says_its_command():
    for path in FOLDER.glob("*.py"):
        text = path.read_text()
        if "__main__" in text:
            assert f"\n    python benchmarks/{path.name} " in text.split('"""')[1]


def test_drawn_images_repeat():
    (images, labels), (again, _) = drawn((4, 5, 2), 30), drawn((4, 5, 2), 30)
    assert (images.shape, images.dtype, labels.shape) == ((30, 4, 5, 2), "uint8", (30,))
    assert (images == again).all()
