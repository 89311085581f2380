"""Named sets: found, downloaded, checked, refused; against a server on this machine that misbehaves."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import os
from pathlib import Path

import pytest

from convlet.cli import main
from convlet.data import load, named
from convlet.errors import DataError, DownloadError
from tests.data.files import write_idx
from tests.data.server import WAYS, named_set, serving


@pytest.fixture
def server(tmp_path):
    with serving(write_idx(tmp_path / "origin")) as made:
        yield made


@pytest.fixture
def item(server, monkeypatch, tmp_path):
    """A function that makes a named set `tiny`, to be had from the given mirrors."""
    monkeypatch.setenv("CONVLET_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(named, "TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(named, "MOST_BYTES", 2**20)

    def make(*ways):
        made = named_set(server, *ways)
        monkeypatch.setitem(named.BY_NAME, "tiny", made)
        return made

    return make


def test_a_missing_set_is_downloaded_once(item, server, tmp_path):
    item("good")
    data = load("tiny")
    assert len(data.test) == 12
    assert len(server.asked) == 4
    assert load("tiny").fingerprint() == data.fingerprint()
    assert len(server.asked) == 4
    assert sorted(os.listdir(tmp_path / "data" / "tiny")) == sorted(os.listdir(server.folder))


@pytest.mark.parametrize("way", WAYS)
def test_a_bad_mirror_is_passed_over_for_the_next(item, server, way):
    item(way, "good")
    assert len(load("tiny").test) == 12


REASONS = {
    "broken": "failed (HTTP 500)",
    "html": "sent other bytes than the published ones (checksum); they were removed",
    "wrong": "sent other bytes than the published ones (checksum); they were removed",
    "short": "failed (",
    "stalls": "failed (ReadTimeout)",
    "drips": "was given up (",
    "empty": "sent other bytes than the published ones (checksum); they were removed",
    "long": "sent other bytes than the published ones (checksum); they were removed",
    "redirects": "failed (HTTP 302)",
    "hangs up": "failed (",
    "endless": "was given up (more than 1,048,576 bytes)",
}


@pytest.mark.parametrize("way", WAYS)
def test_where_no_mirror_delivers_the_reasons_are_named_and_nothing_stays(item, server, tmp_path, way):
    made = item(way)
    folder = tmp_path / "data" / "tiny"
    with pytest.raises(DownloadError) as caught:
        load("tiny")
    message = str(caught.value)
    file = made.files[0][0]
    assert message.startswith(f"{file} of 'tiny' could not be downloaded: {made.mirrors[0]} {REASONS[way]}"), message
    assert message.endswith(f". Check the network, or put the file into {folder}")
    assert list(folder.iterdir()) == []
    assert caught.value.exit_code == 1


def test_getting_a_set_again_replaces_what_is_damaged(item, server, tmp_path, capsys):
    made = item("good")
    folder = named.get(made)
    damaged = folder / made.files[0][0]
    damaged.write_bytes(damaged.read_bytes()[:-9])
    server.asked.clear()
    with pytest.raises(DataError) as caught:
        load("tiny")
    reason = f"{damaged}: the gzip data is damaged or cut short; get the file again"
    assert str(caught.value) == f"{reason}; 'convlet data get tiny' replaces what is damaged"
    assert main(["data", "get", "tiny"]) == 0
    out, err = capsys.readouterr()
    assert out == f"tiny is in {folder}\n"
    assert err == f"{reason}; it is removed\ndownloading {damaged.name}\n"
    assert [name for _, name in server.asked] == [damaged.name]
    assert len(load("tiny").test) == 12


def test_offline_forbids_a_download(item, server, tmp_path):
    made = item("good")
    with pytest.raises(DataError) as caught:
        load("tiny", offline=True)
    assert str(caught.value) == (
        f"'tiny' is not in {tmp_path / 'data' / 'tiny'} and --offline forbids a download; "
        f"run 'convlet data get tiny' once, or put {made.files[0][0]} there"
    )
    assert server.asked == []


def test_no_home_folder(monkeypatch):
    monkeypatch.delenv("CONVLET_DATA", raising=False)

    def nowhere(name):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("platformdirs.user_cache_path", nowhere)
    with pytest.raises(DataError) as caught:
        named.folder_of("mnist")
    assert str(caught.value) == "there is no home folder to keep data sets in; set CONVLET_DATA to a folder for them"


def test_a_folder_that_cannot_be_written(item, tmp_path):
    item("good")
    (tmp_path / "data").write_text("a file stands in the way")
    with pytest.raises(DataError) as caught:
        load("tiny")
    assert str(caught.value).startswith(f"{tmp_path / 'data' / 'tiny'}: cannot be written (")
    assert str(caught.value).endswith("; set CONVLET_DATA to a folder that can")


def test_digits_need_no_network():
    data = load("digits", offline=True)
    assert [len(part) for _, part in data.parts] == [1294, 144, 359]
    assert data.image_shape == (8, 8, 1)
    assert data.train.images.max() == 255
    assert data.describe()["fingerprint"] == load("digits").fingerprint()


def test_the_named_sets_are_complete():
    for made in named.NAMED:
        assert len(made.classes) == 10
        assert all(len(md5) == 32 for _, md5 in made.files)
        assert all(mirror.endswith("/") for mirror in made.mirrors)
        assert dataclasses.replace(made) == made


CONTENT = {
    "fashion-mnist/t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "fashion-mnist/t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    "fashion-mnist/train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "fashion-mnist/train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "mnist/t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "mnist/t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    "mnist/train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "mnist/train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
}
"""SHA-256 of the uncompressed official files."""

PRESENT = [name for name in ("mnist", "fashion-mnist") if named.is_present(named.BY_NAME[name])]


@pytest.mark.parametrize("name", PRESENT)
def test_the_real_sets_are_the_real_ones(name):
    source, classes, parts = named.load(name, offline=True)
    assert [len(parts["train"]), len(parts["test"]), len(classes)] == [60_000, 10_000, 10]
    for file, _ in named.BY_NAME[name].files:
        content = gzip.decompress((Path(source) / file).read_bytes())
        assert hashlib.sha256(content).hexdigest() == CONTENT[f"{name}/{file[:-3]}"]
