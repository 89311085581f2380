"""Files written whole or not at all, with a fault planted at every call on the way."""

from __future__ import annotations

import errno
import os

import pytest

from convlet import atomic
from convlet.errors import DataError, InputError, RunError

NO_SPACE = OSError(errno.ENOSPC, "No space left on device")


def write(path, *parts):
    atomic.write_atomically(path, parts)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_holds_all_parts_in_order(tmp_path):
    write(tmp_path / "new", b"one ", b"", b"two")
    assert (tmp_path / "new").read_bytes() == b"one two"
    assert names(tmp_path) == ["new"]


def test_an_old_file_is_replaced(tmp_path):
    (tmp_path / "old").write_bytes(b"a longer content")
    write(str(tmp_path / "old"), b"new")
    assert (tmp_path / "old").read_bytes() == b"new"


def test_the_name_may_be_as_long_as_names_can_be(tmp_path):
    write(tmp_path / ("n" * 255), b"x")
    assert names(tmp_path) == ["n" * 255]


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such permissions")
def test_the_file_has_the_usual_permissions(tmp_path):
    mask = os.umask(0o027)
    try:
        write(tmp_path / "new", b"x")
    finally:
        os.umask(mask)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such links")
def test_a_link_stays_one(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


@pytest.mark.parametrize("refused", [InputError, DataError])
def test_places_for_no_file_are_refused(tmp_path, refused):
    with pytest.raises(refused) as caught:
        atomic.write_atomically(tmp_path, [b"x"], refused)
    assert str(caught.value) == f"{tmp_path}: is a folder; give the name of a file"
    path = tmp_path / "none" / "new"
    with pytest.raises(refused) as caught:
        atomic.write_atomically(path, [b"x"], refused)
    assert str(caught.value) == f"{path}: the folder {tmp_path / 'none'} does not exist; make it first"


@pytest.mark.parametrize("error", [NO_SPACE, KeyboardInterrupt()])
@pytest.mark.parametrize(("owner", "name"), [(os, "open"), (os, "write"), (os, "fsync"), (os, "replace")])
def test_a_fault_on_the_way_leaves_the_old_file(tmp_path, monkeypatch, owner, name, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*arguments, **keywords):
        raise error

    with monkeypatch.context() as planted:
        planted.setattr(owner, name, fail)
        with pytest.raises((RunError, KeyboardInterrupt)) as caught:
            write(path, b"new")
    if error is NO_SPACE:
        assert str(caught.value) == f"{path}: cannot be written: No space left on device"
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_fault_in_the_middle_of_the_bytes_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def parts():
        yield b"half of the new " * 10000
        raise NO_SPACE

    with pytest.raises(RunError) as caught:
        atomic.write_atomically(path, parts())
    assert str(caught.value) == f"{path}: cannot be written: No space left on device"
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


@pytest.mark.skipif(not hasattr(os, "O_DIRECTORY"), reason="this system cannot force folders")
@pytest.mark.parametrize(("number", "raises"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_folder_that_cannot_be_forced_is_no_failure_but_a_broken_disk_is(tmp_path, monkeypatch, number, raises):
    real, calls = os.fsync, []

    def fail_for_the_folder(handle):
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(number, os.strerror(number))
        real(handle)

    monkeypatch.setattr(os, "fsync", fail_for_the_folder)
    path = tmp_path / "file"
    if raises:
        with pytest.raises(RunError) as caught:
            write(path, b"new")
        assert str(caught.value) == f"{path}: cannot be written: {os.strerror(number)}"
    else:
        write(path, b"new")
    assert len(calls) == 2
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["file"]
