"""Tables of labels beside pictures, and tables whose rows are pictures."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from convlet import data
from convlet.errors import DataError
from tests.cases.toy import CLASSES, arrays, counts, folder, loaded, picture, save


def flat(root, count=18, inside="images", part=""):
    """`count` pictures in one folder, and their (name, class)."""
    rng = np.random.default_rng(count)
    rows = []
    for k in range(count):
        name = f"{part}{k:04}.png"
        save(picture(CLASSES[k % 3], rng), root / inside / name)
        rows.append((name, CLASSES[k % 3]))
    return rows


def write(path, header, rows, mark=","):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, delimiter=mark)
        writer.writerows([header, *rows] if header else rows)


def refused(place, message, **options):
    with pytest.raises(DataError) as caught:
        data.load(place, **options)
    assert str(caught.value) == message.format(place=place)


@pytest.mark.parametrize(
    ("file", "header", "mark", "named"),
    [
        ("labels.csv", ("id", "label"), ",", lambda name: name[:-4]),
        ("train.csv", ("image_name", "target"), ",", lambda name: name),
        ("labels.csv", ("filename", "class"), ";", lambda name: f"images/{name}"),
        ("meta.tsv", ("path", "species"), "\t", lambda name: f"./images/{name}"),
        ("anything.csv", ("file", "what it is"), ",", lambda name: f"C:\\users\\me\\images\\{name}"),
        ("labels.csv", (), ",", lambda name: name),
    ],
)
def test_a_labels_table_beside_a_flat_folder(tmp_path, file, header, mark, named):
    rows = flat(tmp_path)
    write(tmp_path / file, header, [(named(name), label) for name, label in rows], mark)
    found, lines = loaded(tmp_path)
    assert found.classes == CLASSES
    assert sum(counts(found)) == 18
    assert lines[0].startswith(f"{tmp_path}: a labels table, {file}: files in '")
    name = found.train.names[0]
    assert dict(rows)[name[-8:]] == CLASSES[found.train.labels[0]]
    by_file, _ = loaded(tmp_path / file)
    assert by_file.fingerprint() == found.fingerprint()


def test_a_split_column_and_a_group_column(tmp_path):
    rows = flat(tmp_path, 30)
    parts = ["Training", "training", "val", "test", "train"]
    write(
        tmp_path / "labels.csv",
        ("file", "label", "split", "group"),
        [(name, label, parts[k // 6], f"g{k // 2}") for k, (name, label) in enumerate(rows)],
    )
    found, lines = loaded(tmp_path)
    assert counts(found) == [18, 6, 6]
    assert "  15 groups, each on one side of every split" in lines
    write(
        tmp_path / "labels.csv",
        ("file", "label", "split"),
        [(n, c, "test" if k else "huh") for k, (n, c) in enumerate(rows)],
    )
    refused(tmp_path, f"{tmp_path}/labels.csv: row 2: 'huh' in 'split' is none of train, val, test")


def test_a_table_a_part(tmp_path):
    train, test = flat(tmp_path, 18, "train"), flat(tmp_path, 6, "test")
    write(tmp_path / "train.csv", ("id", "label"), train)
    write(tmp_path / "test.csv", ("id", "label"), test)
    found, _ = loaded(tmp_path, validation=0)
    assert counts(found) == [18, 0, 6]
    assert all("/test/" in name for name in found.test.names)
    write(tmp_path / "test.csv", ("id",), [(name,) for name, _ in test])  # as competitions give it, without classes
    found, lines = loaded(tmp_path, validation=0)
    assert sum(counts(found)) == 18
    assert (
        "  passed over, pictures that no row names: 6 (test/0000.png, test/0001.png, test/0002.png, and 3 more)"
        in lines
    )


def test_one_column_of_0_and_1_for_each_class(tmp_path):
    rows = flat(tmp_path)
    write(
        tmp_path / "truth.csv", ("image", *CLASSES), [(n[:-4], *(f"{float(c == k)}" for k in CLASSES)) for n, c in rows]
    )
    found, _ = loaded(tmp_path)
    assert found.classes == CLASSES
    assert sum(counts(found)) == 18


def test_columns_are_named_where_they_cannot_be_told(tmp_path):
    rows = flat(tmp_path)
    header = ("file", "kind", "colour")
    write(tmp_path / "labels.csv", header, [(name, label, "abc"[k % 2]) for k, (name, label) in enumerate(rows)])
    refused(
        tmp_path,
        "{place}/labels.csv: no column holds the classes for sure; its columns are file, kind, colour, name one with "
        "--label-column",
        labels="labels.csv",
    )
    found, _ = loaded(tmp_path, labels="labels.csv", label_column="kind")
    assert found.classes == CLASSES
    assert loaded(tmp_path, labels="labels.csv", label_column="colour", file_column="file")[0].classes == ("a", "b")
    refused(
        tmp_path,
        "--label-column sort: {place}/labels.csv has no such column; it has file, kind, colour",
        labels="labels.csv",
        label_column="sort",
    )
    refused(
        tmp_path,
        "--labels no.csv: is not a table (.csv, .tsv, .txt or .parquet) below {place}; there are: labels.csv",
        labels="no.csv",
    )


def test_rows_and_files_that_do_not_meet(tmp_path):
    rows = flat(tmp_path)
    write(
        tmp_path / "labels.csv",
        ("id", "label"),
        [*rows[1:], ("lost.png", "bar"), ("gone.png", "ring"), (rows[0][0], "")],
    )
    with pytest.raises(DataError) as caught:
        data.load(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: 2 pictures cannot be read; mend or remove them, or leave them out with --skip-unreadable: "
        f"{tmp_path}/labels.csv: row 19: lost.png is not there; {tmp_path}/labels.csv: row 20: gone.png is not there"
    )
    found, lines = loaded(tmp_path, skip_unreadable=True)
    assert sum(counts(found)) == 17
    assert "  passed over, rows of a table without a class: 1 (labels.csv:21)" in lines
    assert "  passed over, pictures that no row names: 1 (images/0000.png)" in lines
    write(tmp_path / "labels.csv", ("id", "label"), [*rows, (rows[0][0], "ring")])
    refused(
        tmp_path,
        "{place}/labels.csv: row 20: 0000.png stands twice, for the classes 'bar' and 'ring'; a picture has one class "
        "and one part",
    )
    write(tmp_path / "labels.csv", ("id", "label"), [*rows, rows[0], rows[0]])
    assert sum(counts(loaded(tmp_path)[0])) == 18


def test_names_that_stand_in_several_folders(tmp_path):
    flat(tmp_path, 6, "one")
    rows = flat(tmp_path, 6, "two")
    write(tmp_path / "labels.csv", ("id", "label"), rows)
    refused(
        tmp_path,
        "{place}/labels.csv: row 2: '0000.png' may be any of one/0000.png, two/0000.png; write paths into the table",
        labels="labels.csv",
    )
    write(tmp_path / "labels.csv", ("id", "label"), [(f"two/{name}", label) for name, label in rows])
    assert sum(counts(loaded(tmp_path, labels="labels.csv")[0])) == 6


def test_folders_and_a_table_that_name_other_classes(tmp_path):
    folder(tmp_path, 4)
    names = [f"{kind}/{k:03}.png" for kind in CLASSES for k in range(4)]
    write(tmp_path / "labels.csv", ("id", "label"), [(name, name.partition("/")[0].title()) for name in names])
    assert loaded(tmp_path)[0].classes == CLASSES
    write(tmp_path / "labels.csv", ("id", "label"), [(name, "xy"[k % 2]) for k, name in enumerate(names)])
    refused(
        tmp_path,
        "{place}/labels.csv: row 2 gives bar/000.png the class 'x', but its folder is 'bar'; choose with --labels "
        "labels.csv, or --class-level 1 for the folders",
    )
    assert loaded(tmp_path, labels="labels.csv")[0].classes == ("x", "y")
    assert loaded(tmp_path, class_level=1)[0].classes == CLASSES


def test_numbered_folders_are_no_classes_if_a_table_names_some(tmp_path):
    rows = [*flat(tmp_path, 9, "images_part_1", "a"), *flat(tmp_path, 9, "images_part_2", "b")]
    write(tmp_path / "meta.csv", ("image_id", "dx", "age"), [(name[:-4], label, 30) for name, label in rows])
    found, _ = loaded(tmp_path)
    assert found.classes == CLASSES
    assert sum(counts(found)) == 18
    (tmp_path / "meta.csv").unlink()
    assert loaded(tmp_path)[0].classes == ("images_part_1", "images_part_2")


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    rows = flat(tmp_path)
    columns = {"id": [name for name, _ in rows], "label": [label for _, label in rows]}
    write_table(pyarrow.table(columns), tmp_path / "labels.parquet")
    assert loaded(tmp_path)[0].classes == CLASSES
    whole = (tmp_path / "labels.parquet").read_bytes()
    (tmp_path / "labels.parquet").write_bytes(whole[:-9])
    with pytest.raises(DataError, match="is not a parquet table, or a damaged one"):
        data.load(tmp_path, labels="labels.parquet")


def pixel_rows(images, labels):
    return [(label, *image.ravel()) for image, label in zip(images, labels, strict=True)]


@pytest.mark.parametrize("where", ["first", "last", "named by the user", "no names"])
def test_a_table_of_pixels(tmp_path, where):
    images, labels = arrays(6)
    header = ["label", *(f"pixel{k}" for k in range(144))]
    rows = pixel_rows(images, labels)
    options = {}
    if where == "last":
        header, rows = [*header[1:], "class"], [(*row[1:], row[0]) for row in rows]
    elif where == "named by the user":
        header[0], options = "what", {"label_column": "what"}
    elif where == "no names":
        header = ()
    write(tmp_path / "train.csv", header, rows)
    write(tmp_path / "test.csv", [f"pixel{k}" for k in range(144)], [row[1:] for row in pixel_rows(images, labels)])
    found, lines = loaded(tmp_path / "train.csv", **options)
    assert found.classes == ("0", "1", "2")
    assert found.image_shape == (12, 12, 1)
    number = int(found.train.names[0].rpartition(":")[2]) - (1 if where == "no names" else 2)
    np.testing.assert_array_equal(found.train.images[0, ..., 0], images[number])
    assert found.train.labels[0] == labels[number]
    if where == "first":
        both, lines = loaded(tmp_path)
        assert both.fingerprint() == found.fingerprint()
        assert "  passed over, tables of pixels without labels: 1 (test.csv)" in lines


def test_pixels_as_one_text_and_a_usage_column(tmp_path):
    images, labels = arrays(6)
    use = ["Training"] * 12 + ["PublicTest"] * 6
    rows = [
        (label, " ".join(map(str, image.ravel())), use[k])
        for k, (image, label) in enumerate(zip(images, labels, strict=True))
    ]
    write(tmp_path / "faces.csv", ("emotion", "pixels", "Usage"), rows)
    found, _ = loaded(tmp_path / "faces.csv", validation=0)
    assert counts(found) == [12, 0, 6]
    np.testing.assert_array_equal(found.train.images[..., 0], images[:12])


def test_rows_that_are_no_square_need_a_shape(tmp_path):
    rng = np.random.default_rng(0)
    rows = [(k % 2, *rng.integers(0, 256, 60)) for k in range(20)]
    write(tmp_path / "a.csv", ["label", *(f"p{k}" for k in range(60))], rows)
    message = (
        "{place}: expected (n, h, w) or (n, h, w, c), but got rows of 60 numbers, which are no square picture; say "
    )
    refused(tmp_path / "a.csv", message + "their shape with --image-shape, as in --image-shape 24x32")
    assert loaded(tmp_path / "a.csv", image_shape=(6, 10))[0].image_shape == (6, 10, 1)
    assert loaded(tmp_path / "a.csv", image_shape=(4, 5, 3))[0].image_shape == (4, 5, 3)
    refused(tmp_path / "a.csv", "{place}: --image-shape 7x7 has 49 pixels, but a row has 60", image_shape=(7, 7))


def test_a_damaged_table_of_pixels_is_named_by_row(tmp_path):
    rows = [[k % 2, *range(16)] for k in range(100)]
    path = tmp_path / "a.csv"
    header = ["label", *(f"p{k}" for k in range(16))]
    rows[80][3] = "x"
    write(path, header, rows)
    refused(path, "{place}: rows 2 to 101: a pixel is no number")
    rows[80][3] = "nan"
    write(path, header, rows)
    refused(path, "{place}: row 82 has a pixel that is not finite")
    rows[80] = rows[80][:5]
    write(path, header, rows)
    refused(path, "{place}: row 82 has 5 cells, but 17 columns are named")


def test_a_line_without_end_is_no_table(tmp_path):
    (tmp_path / "a.csv").write_text("1," * 3_000_000)
    message = "{place}: has a line of more than 4,194,304 characters; is it a table?"
    folder(tmp_path, 4)
    refused(tmp_path / "a.csv", message)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("images/{name} {number}", True),
        ("{name}\t{label}", False),
        ("{name},{number}", True),
        ("./images/{stem} {label}", False),
    ],
)
def test_a_text_file_of_files_and_classes(tmp_path, line, named):
    rows = flat(tmp_path)
    lines = [line.format(name=name, stem=name[:-4], label=label, number=CLASSES.index(label)) for name, label in rows]
    (tmp_path / "labels.txt").write_text("\n".join([*lines, ""]))
    (tmp_path / "readme.txt").write_text("These are made pictures.\nUse them as you like.\n")
    found, said = loaded(tmp_path)
    assert found.classes == (("0", "1", "2") if named else CLASSES)
    assert sum(counts(found)) == 18
    assert said[0].startswith(f"{tmp_path}: a labels table, labels.txt: files in '")
    assert any("readme.txt" in text for text in said)
    assert not any("passed over" in text and "labels.txt" in text for text in said)
    assert dict(rows)[found.train.names[0][-8:]] == CLASSES[found.train.labels[0]]
    by_name, _ = loaded(tmp_path, labels="labels.txt")
    assert by_name.fingerprint() == found.fingerprint()


def test_text_files_of_the_parts(tmp_path):
    rows = flat(tmp_path)
    for part, some in (("train", rows[:12]), ("test", rows[12:])):
        (tmp_path / f"{part}.txt").write_text("".join(f"images/{name} {label}\n" for name, label in some))
    found, _ = loaded(tmp_path)
    assert len(found.test) == 6


@pytest.mark.parametrize("line", ["{number} images/{name}", "{name} {number}", "images/{name}", "{name} and {number}"])
def test_a_text_file_that_names_no_classes_is_passed_over(tmp_path, line):
    rows = flat(tmp_path)
    lines = [line.format(name=name, number=k) for k, (name, _) in enumerate(rows)]
    (tmp_path / "images.txt").write_text("\n".join(lines))
    with pytest.raises(DataError) as caught:
        data.load(tmp_path)
    assert str(caught.value) == f"{tmp_path}: there is only the class 'images'; at least two are needed"


def test_a_text_file_beside_folders_of_classes_says_nothing(tmp_path):
    folder(tmp_path, 6)
    names = sorted(path for path in tmp_path.rglob("*.png"))
    (tmp_path / "train.txt").write_text(
        "".join(f"{path.relative_to(tmp_path)} {k % 2}\n" for k, path in enumerate(names))
    )
    found, said = loaded(tmp_path)
    assert found.classes == CLASSES
    assert any("train.txt" in text for text in said)
