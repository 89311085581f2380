"""The table of doubtful labels: written, and read back as corrections."""

from __future__ import annotations

import csv
import os
import shutil
import sys

import pytest

from convlet import data
from convlet.data import relabel
from convlet.errors import DataError
from tests.cases.toy import folder, loaded

ODD = ('a,"b".png', "new\nline.png", "ü.png", "=1+1.png")


def row(name, label="bar", suggested="ring"):
    return {"name": name, "label": label, "suggested": suggested, "probability": 0.98765}


def labels(place, **options):
    """The class of each picture, by its path below the place."""
    found, _ = loaded(place, **options)
    return {
        os.path.relpath(name, place): found.classes[label]
        for _, part in found.parts
        for name, label in zip(part.names, part.labels, strict=True)
    }


@pytest.fixture
def signs(tmp_path):
    return folder(tmp_path / "signs", 4)


def write(path, rows):
    path.write_bytes(relabel.as_csv(rows))
    return str(path)


def test_the_table_of_doubtful_labels(tmp_path):
    write(tmp_path / "t.csv", [row("signs/bar/1.png"), row('a,"b".png', "x\ny", "ü")])
    with open(tmp_path / "t.csv", encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["path", "label", "suggested", "probability"],
            ["signs/bar/1.png", "bar", "ring", "0.9877"],
            ['a,"b".png', "x\ny", "ü", "0.9877"],
        ]


@pytest.mark.parametrize("inside", [True, False])
def test_its_rows_correct_the_classes_of_folders(tmp_path, signs, inside):
    place = signs / "t.csv" if inside else tmp_path / "t.csv"
    kept = row(signs / "bar" / "001.png", "bar", "")
    table = write(place, [row(signs / "bar" / "000.png"), kept, row("signs/cross/002.png", "cross", "bar")])
    wanted = {name: name.partition("/")[0] for name in labels(signs, validation=0)}
    wanted |= {"bar/000.png": "ring", "cross/002.png": "bar"}
    assert labels(signs, labels=table, validation=0) == wanted
    assert f"  {table}: 2 labels corrected" in loaded(signs, labels=table, validation=0)[1]
    if inside:
        assert labels(signs, labels="t.csv", validation=0) == wanted
        assert labels(signs, validation=0)["bar/000.png"] == "bar"  # only if the user names it


def test_it_corrects_a_zip_and_a_labels_table_too(tmp_path, signs):
    shutil.make_archive(str(tmp_path / "packed"), "zip", signs)
    table = write(tmp_path / "t.csv", [row(str(tmp_path / "packed.zip" / "bar" / "000.png"))])
    found, lines = loaded(tmp_path / "packed.zip", labels=table)
    assert f"  {table}: 1 labels corrected" in lines
    assert [sum(part.labels == 2) for _, part in found.parts] == [3, 1, 1]
    flat = tmp_path / "flat"
    flat.mkdir()
    lines = ["file,label"]
    for path in sorted(signs.rglob("*.png")):
        (flat / f"{path.parent.name}-{path.name}").write_bytes(path.read_bytes())
        lines.append(f"{path.parent.name}-{path.name},{path.parent.name}")
    (flat / "labels.csv").write_text("\n".join(lines))
    write(flat / "t.csv", [row("flat/bar-000.png")])
    assert labels(flat)["bar-000.png"] == "bar"
    assert labels(flat, labels="t.csv")["bar-000.png"] == "ring"


def test_a_table_that_has_been_followed_changes_nothing(signs, tmp_path):
    table = write(tmp_path / "t.csv", [row("signs/bar/000.png")])
    (signs / "bar" / "000.png").unlink()
    with pytest.raises(DataError) as caught:
        data.load(signs, labels=table)
    assert str(caught.value) == (
        f"{table}: row 2: signs/bar/000.png is not there; mend or remove it, or leave it out with --skip-unreadable"
    )
    (signs / "bar" / "003.png").rename(signs / "ring" / "moved.png")
    table = write(tmp_path / "t.csv", [row("signs/ring/000.png"), row("signs/bar/moved.png")])
    assert f"  {table}: 0 labels corrected" in loaded(signs, labels=table)[1]


@pytest.mark.skipif(sys.platform != "linux", reason="names of files that are not Unicode")
def test_odd_names_come_back(tmp_path, signs):
    odd = [*ODD, os.fsdecode(b"\xff.png")]
    for name in odd:
        shutil.copy(signs / "bar" / "000.png", signs / "bar" / name)
    found, _ = loaded(signs)
    names = [name for _, part in found.parts for name in part.names if os.path.basename(name) in odd]
    assert len(names) == len(odd)
    table = write(tmp_path / "t.csv", [row(name) for name in names])
    after = labels(signs, labels=table)
    assert [after[f"bar/{name}"] for name in odd] == ["ring"] * len(odd)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (row("bar/000.png", "bar", "rnig"), "'rnig' is not a class; expected one of bar, cross, ring, or nothing"),
        (
            row("bar/000.png", "cross", "ring"),
            "bar/000.png has the label 'bar', but the table says 'cross'; write the table again with 'convlet evaluate "
            "--relabel-csv'",
        ),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, signs, made, message):
    table = write(tmp_path / "t.csv", [made])
    with pytest.raises(DataError) as caught:
        data.load(signs, labels=table)
    assert str(caught.value) == f"{table}: row 2: {message}"
