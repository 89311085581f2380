"""Every image keeps its name: from its file into results, tables and the report, and back into the labels."""

from __future__ import annotations

import csv
import html
import io
import json
import os
import re
import sys

import numpy as np
import pytest

from convlet import data
from convlet.cli.main import main
from tests.cases.test_tables import pixel_rows
from tests.cases.test_tables import write as write_table
from tests.cases.toy import arrays, folder, loaded, picture, save
from tests.data.files import write_idx

PLANTED = {"bar/004.png": "ring", "cross/011.png": "bar", "ring/015.png": "cross"}
"""Pictures in a wrong folder, and what they show."""


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A folder with three wrong labels, and a model of it."""
    root = tmp_path_factory.mktemp("planted")
    folder(root / "signs", 40)
    for place, true in PLANTED.items():
        save(picture(true, np.random.default_rng(5)), root / "signs" / place)
    given = ["-a", "conv8-relu-pool", "--epochs", "6", "--threads", "1", "--quiet", "--output", str(root / "run")]
    assert main(["train", str(root / "signs"), *given]) == 0
    return root


def test_wrong_labels_are_found_by_name_and_corrected(planted, capsys):
    signs, table = planted / "signs", planted / "doubtful.csv"
    assert main(["evaluate", str(planted / "run"), str(signs), "--relabel-csv", str(table)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"{table}: 3 images whose label looks wrong; delete the rows whose label is right, then train with the "
        f"suggested classes: convlet train {signs} --labels {table} ..."
    )
    with open(table, newline="") as file:
        rows = list(csv.DictReader(file))
    assert {os.path.relpath(row["path"], signs): row["suggested"] for row in rows} == PLANTED
    assert {row["path"].split(os.sep)[-2] == row["label"] for row in rows} == {True}
    found, _ = loaded(signs, labels=str(table))
    read_back = {
        os.path.relpath(name, signs): found.classes[label]
        for _, part in found.parts
        for name, label in zip(part.names, part.labels, strict=True)
    }
    assert read_back == {place: PLANTED.get(place, place.partition("/")[0]) for place in read_back}
    assert len(read_back) == 120
    again = ["-a", "conv2", "--steps", "1", "--threads", "1", "--quiet", "--output", str(planted / "again")]
    assert main(["train", str(signs), "--labels", str(table), *again]) == 0


def noise(root, name="{}.png"):
    """A folder of pictures of nothing, so that about half of them are predicted wrongly."""
    rng = np.random.default_rng(0)
    for k in range(80):
        save(rng.integers(0, 256, (8, 8), np.uint8), root / "ab"[k % 2] / name.format(k))
    return root


def test_results_evaluation_and_report_name_the_files(tmp_path, capsys):
    place, run, out = noise(tmp_path / "noise"), tmp_path / "run", tmp_path / "out.json"
    given = ["-a", "conv4-relu", "--epochs", "20", "--threads", "1", "--quiet", "--output", str(run)]
    assert main(["train", str(place), *given]) == 0
    assert main(["evaluate", str(run), str(place), "--json", str(out)]) == 0
    shown = capsys.readouterr().out.splitlines()
    evaluated, test = json.loads(out.read_text()), data.load(place).test
    assert 3 <= len(evaluated["mistakes"]) <= 13
    for key in ("mistakes", "suspected"):
        assert evaluated[key]
        assert all(row["name"] == test.names[row["image"]] for row in evaluated[key])
    for row in evaluated["worst"] + evaluated["suspected"]:
        assert any(line.endswith(f" {row['name']}") for line in shown)
    assert json.loads((run / "result.json").read_text())["result"]["worst"] == evaluated["worst"]
    page = html.unescape((run / "report.html").read_text())
    for row in evaluated["worst"]:
        assert page.count(f"<br><bdi>{row['name']}</bdi>") >= 1
    wrong = json.loads(re.search(r'id="s0-data">(.*?)</script>', page)[1])["wrong"]
    assert [wrong["folder"] + name for name in wrong["names"]] == [test.names[k] for k in wrong["numbers"]]


def names(found):
    return [(name, image) for _, part in found.parts for name, image in zip(part.names, part.images, strict=True)]


def test_images_without_files_are_named_by_file_and_row(tmp_path):
    images, labels = arrays(8)
    np.savez(tmp_path / "set.npz", images=images, labels=labels)
    for name, image in names(data.load(tmp_path / "set.npz")):
        number = int(re.fullmatch(re.escape(f"{tmp_path}/set.npz: images[") + r"(\d+)\]", name)[1])
        np.testing.assert_array_equal(image[..., 0], images[number])
    write_table(tmp_path / "table.csv", ["label", *(f"pixel{k}" for k in range(144))], pixel_rows(images, labels))
    for name, image in names(data.load(tmp_path / "table.csv", train_images=6)):
        number = int(re.fullmatch(re.escape(f"{tmp_path}/table.csv:") + r"(\d+)", name)[1])
        np.testing.assert_array_equal(image[..., 0], images[number - 2])
    idx = write_idx(tmp_path / "idx", images=30, test_images=9, size=(8, 8))
    found = data.load(idx)
    assert sorted(name for name in found.test.names) == sorted(
        f"{idx}/t10k-images-idx3-ubyte.gz[{number}]" for number in range(9)
    )
    assert data.load("digits").train.name(0).startswith("digits[")


def test_names_are_shared_between_parts_and_subsets(tmp_path):
    folder(tmp_path, 6)
    found = data.load(tmp_path)
    taken = found.train.take(np.array([2, 0]))
    assert taken.names[0] is found.train.names[2]
    assert taken.name(1) is found.train.names[0]


@pytest.mark.skipif(sys.platform != "linux", reason="names of files that are not Unicode")
def test_odd_names_are_safe_everywhere(tmp_path, capsys):
    """Markup, quotes, a comma, a line break and half a character in the names of the files."""
    place = noise(tmp_path / "noise", '<script>"{},\n[red]' + os.fsdecode(b"\xff") + ".png")
    run, out, table = tmp_path / "run", tmp_path / "out.json", tmp_path / "t.csv"
    given = ["-a", "conv4-relu", "--epochs", "20", "--threads", "1", "--quiet", "--output", str(run)]
    assert main(["train", str(place), *given]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(run), str(place), "--json", str(out), "--relabel-csv", str(table)]) == 0
    shown = capsys.readouterr().out
    worst = json.loads(out.read_text())["worst"][0]
    assert worst["name"] in set(data.load(place).test.names)
    assert worst["name"].replace("\n", r"\n").replace("\udcff", r"\udcff") in shown
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;" in page
    assert page.count("<script>") == 1  # the page's own
    doubtful = len(list(csv.reader(io.StringIO(table.read_text(errors="surrogateescape"))))) - 1
    assert f"  {table}: {doubtful:,} labels corrected" in loaded(place, labels=str(table))[1]
