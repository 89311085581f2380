"""`convlet cache` as a user meets it."""

from __future__ import annotations

import json
import os
import time

import pytest

from convlet.cli import main
from convlet.kernels.compiler import cache, machine_code, place, upkeep


@pytest.fixture(autouse=True)
def _place(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVLET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("CONVLET_BACKEND", raising=False)


def shown(capsys, *arguments):
    assert main(["cache", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def fails(capsys, arguments, message, code=2):
    assert main(["cache", *arguments]) == code
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"convlet: {message}\n")


@pytest.fixture
def quick(monkeypatch):
    """Compiling takes no time and gives no code."""
    monkeypatch.setattr("convlet.report.numbers.seconds", lambda value: "no time")

    def compiled(kernels, processes):
        for kernel in kernels:
            cache.write(kernel.symbol, ("name", b"code"))
            yield kernel, ("name", b"code")

    monkeypatch.setattr(machine_code, "compiled", compiled)


def test_info_of_an_empty_cache(capsys):
    assert shown(capsys, "info") == f"folder   {place.folder()}\nkernels  0, 0 B\nwritten  yes\n"


def test_info_shows_entries_damage_and_stale_folders(capsys, tmp_path):
    for symbol in ("one", "two"):
        cache.write(symbol, ("name", bytes(2000)))
    (place.folder() / "two.o").write_bytes(b"")
    other = place.root() / ("a" * 32)
    other.mkdir()
    (other / "one.o").write_bytes(bytes(100))
    before = time.time() - 2 * 86400
    os.utime(other, (before, before))
    file = tmp_path / "out.json"
    assert shown(capsys, "info", "--json", str(file)).splitlines() == [
        f"folder   {place.folder()}",
        "kernels  2, 2.0 KiB, 1 of them damaged: compiled again when needed",
        "written  yes",
        "stale    1 kernels, 100 B in 1 folders of other versions; "
        "removed after 30 days without use, or by 'convlet cache clear'",
    ]
    result = json.loads(file.read_text())
    assert result["others"][0].pop("days_unused") == pytest.approx(2, abs=0.1)
    assert result.pop("days_unused") < 0.1
    assert result == {
        "path": str(place.folder()),
        "entries": 2,
        "bytes": 2037,
        "damaged": 1,
        "writable": True,
        "days_kept": 30,
        "others": [{"path": str(other), "entries": 1, "bytes": 100, "damaged": 1}],
    }


def test_info_where_nothing_can_be_kept(capsys, monkeypatch):
    remedy = "written  no: every process compiles its own; set CONVLET_CACHE to a folder that can be written\n"
    monkeypatch.setenv("CONVLET_CACHE", "/dev/null/cache")
    assert shown(capsys, "info") == f"folder   {place.folder()}\nkernels  0, 0 B\n{remedy}"
    monkeypatch.setattr(place, "root", lambda: None)
    assert shown(capsys, "info") == f"folder   none: there is no home folder\nkernels  0, 0 B\n{remedy}"


def test_clear_says_what_it_removed(capsys):
    cache.write("one", ("name", bytes(995)))
    assert shown(capsys, "clear") == f"removed 1 compiled kernels, 1.0 KiB: {place.root()}\n"
    assert upkeep.describe(place.folder()).entries == 0
    assert shown(capsys, "clear") == f"removed 0 compiled kernels, 0 B: {place.root()}\n"


@pytest.mark.usefixtures("quick")
def test_warm_compiles_what_is_missing(capsys):
    first = shown(capsys, "warm", "conv4-relu-pool", "--input", "8x8x3", "--classes", "3", "--threads", "1")
    kernels = upkeep.describe(place.folder()).entries
    assert first == f"compiled {kernels} kernels in no time, 0 were there already: {place.folder()}\n"
    names = {path.name.removeprefix("convlet_").rpartition("_")[0] for path in place.folder().iterdir()}
    assert {
        "gather_bytes",
        "gather_floats",
        "sgd",
        "adagrad",
        "rmsprop",
        "adam",
        "walk",
        "pooled_filter_gradient",
    } <= names
    again = shown(capsys, "warm", "conv4-relu-pool", "--input", "8x8x3", "--classes", "3")
    assert again == f"compiled 0 kernels in no time, {kernels} were there already: {place.folder()}\n"
    assert shown(capsys, "warm", "--preset", "methods").startswith("compiled ")


def test_warm_leaves_nothing_to_compile(capsys, tmp_path, monkeypatch):
    shown(capsys, "warm", "dense3", "--input", "8x8", "--threads", "2")
    monkeypatch.setattr(machine_code, "_addresses", {})
    monkeypatch.setattr(machine_code, "compiled", lambda missing, _: pytest.fail(str(missing)) if missing else iter(()))
    assert main(["train", "digits", "-a", "dense3", "--epochs", "1", "--output", str(tmp_path / "run"), "--quiet"]) == 0


PLACE = "set CONVLET_CACHE to a folder that can be written and has room"


def test_warm_where_nothing_can_be_kept(capsys, monkeypatch):
    monkeypatch.setenv("CONVLET_CACHE", "/dev/null/cache")
    fails(capsys, ["warm", "dense3"], f"{place.folder()}: compiled kernels cannot be kept; {PLACE}", 1)
    monkeypatch.setattr(place, "root", lambda: None)
    fails(capsys, ["warm", "dense3"], f"there is no home folder: compiled kernels cannot be kept; {PLACE}", 1)


def test_warm_on_a_full_disk(capsys, monkeypatch):
    asked = []
    monkeypatch.setattr(machine_code, "compiled", lambda kernels, processes: asked.extend(kernels) or iter(()))
    assert main(["cache", "warm", "dense3"]) == 1
    lost = f"{len(asked)} of {len(asked)} kernels could not be kept"
    assert capsys.readouterr() == ("", f"convlet: {place.folder()}: {lost}; {PLACE}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["warm", "cov4"], "unknown token 'cov4' at position 1 of 'cov4'; did you mean 'conv4'?"),
        (["warm", "--preset", "seven"], "unknown preset 'seven': expected six, six-linear, methods"),
        (["warm", "pool", "--preset", "six"], "--preset six and architectures were both given; give one of them"),
        (["warm", "--input", "28"], "--input '28': expected height x width x channels, as in 28x28x1"),
        (["warm", "--classes", "0"], "--classes must be a whole number from 1, but got 0"),
        (["warm", "--threads", "0"], "threads must be a whole number from 1 to 1024 or None, but got 0"),
    ],
    ids=["word", "preset", "both", "input", "classes", "threads"],
)
def test_one_line_and_code_2(arguments, message, capsys):
    fails(capsys, arguments, message)


@pytest.mark.parametrize("arguments", [["info"], ["clear"], ["warm"]])
def test_where_numpy_runs_everything_there_is_no_cache(arguments, capsys, monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")
    fails(capsys, arguments, "CONVLET_BACKEND is 'reference', which runs without compiled kernels; unset it")
    monkeypatch.setattr(machine_code, "obstacle", lambda: "numba is not installed")
    remedy = "'pip install --upgrade numba' may help"
    fails(capsys, arguments, f"numba is not installed, so no kernels are compiled or kept; {remedy}", 1)
