"""Files written whole or not at all, with a fault planted at every call on the way."""

from __future__ import annotations

import errno
import os

import pytest

from convlet.errors import DataError, InputError, RunError
from convlet.system import atomic, durable

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


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such links")
def test_a_link_out_of_its_folder_is_replaced_and_what_it_leads_to_is_left(tmp_path):
    """As in a run folder from a stranger, with a link to any file of ours."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.write_bytes(b"ours")
    theirs.mkdir()
    (theirs / "far").symlink_to(ours)
    (theirs / "up").symlink_to("../ours")
    (theirs / "chain").symlink_to("up")
    (theirs / "lost").symlink_to(tmp_path / "new")
    (tmp_path / "door").symlink_to(theirs)
    for name in ("far", "chain", "up", "lost"):
        write(tmp_path / "door" / name, b"theirs")
        assert not (theirs / name).is_symlink()
        assert (theirs / name).read_bytes() == b"theirs"
    assert ours.read_bytes() == b"ours"
    assert names(theirs) == ["chain", "far", "lost", "up"]
    assert names(tmp_path) == ["door", "ours", "theirs"]


@pytest.mark.skipif(not os.path.exists("/dev/fd/1"), reason="this system has no /dev/fd")
def test_the_systems_own_links_are_followed(tmp_path):
    """`--json /dev/stdout >file`: the link belongs to the system and must stay."""
    with open(tmp_path / "out", "wb") as out:
        link = f"/dev/fd/{out.fileno()}"
        write(link, b"new")
        assert os.path.islink(link)
    assert (tmp_path / "out").read_bytes() == b"new"


class InUse(PermissionError):
    """What Windows raises if another program has the file open."""

    winerror = 32


@pytest.fixture
def slept(monkeypatch):
    """The pauses that were made, in seconds; none is waited for."""
    pauses = []
    monkeypatch.setattr(durable, "sleep", pauses.append)
    return pauses


def test_a_file_that_stays_open_elsewhere_loses_nothing(tmp_path, monkeypatch, slept):
    path, real = tmp_path / "model", os.replace
    path.write_bytes(b"old")

    def replace(source, target):
        if target == path:
            raise InUse(errno.EACCES, "Access is denied")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    for content in (b"new", b"newer"):
        with pytest.raises(RunError) as caught:
            write(path, content)
        assert str(caught.value) == (
            f"{path}: cannot be replaced: Access is denied; the new content is in {path}.new: "
            "end the program that has the old file open, or change its permissions, and rename it"
        )
        assert (path.read_bytes(), (tmp_path / "model.new").read_bytes()) == (b"old", content)
        assert names(tmp_path) == ["model", "model.new"]
    assert slept == [*durable.WAITS_SECONDS] * 2


def test_if_that_name_is_taken_too_the_file_stays_as_it_is_called(tmp_path, monkeypatch, slept):
    def replace(source, target):
        raise InUse(errno.EACCES, "Access is denied")

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(RunError) as caught:
        write(tmp_path / "model", b"new")
    (kept,) = tmp_path.iterdir()
    assert f"; the new content is in {kept}: end the program" in str(caught.value)
    assert kept.read_bytes() == b"new"


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


def places(folder):
    """Paths that take no file, each with what is said of it."""
    (folder / "file").write_bytes(b"x")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    return {
        folder: "is a folder; give the name of a file",
        folder / "pipe": "is a pipe; give the name of a file to write",
        folder / "loop": "is a link that leads back to itself; give the name of a file to write",
        folder / "file" / "x": f"the folder {folder / 'file'} does not exist; make it first",
        folder / "none" / "x": f"the folder {folder / 'none'} does not exist; make it first",
        folder / ("n" * 300): "the name is too long; give a shorter one",
        "a\0b": "is not a name that a file can have",
        "/dev/full": "is a device; give the name of a file to write",
        "/proc/x": "cannot be written: /proc takes no new file: No such file or directory",
    }


@pytest.mark.skipif(not os.path.exists("/proc/self"), reason="this system has no /proc")
def test_what_takes_no_file_is_refused_before_the_work_and_after_it_alike(tmp_path):
    for path, said in places(tmp_path).items():
        with pytest.raises(InputError) as caught:
            atomic.check_file(path, f"--json {path}")
        assert str(caught.value) == f"--json {path}: {said}"
        if path != "/proc/x":
            with pytest.raises(InputError) as caught:
                write(path, b"x")
            assert str(caught.value) == f"{path}: {said}"
    assert names(tmp_path) == ["file", "loop", "pipe"]


def test_a_place_for_a_file_is_tried_and_left_as_it_was(tmp_path):
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "lost").symlink_to("later")
    for name in ("old", "new", "lost", "n" * 255):
        atomic.check_file(tmp_path / name, name)
    atomic.check_folder(tmp_path, "here")
    atomic.check_folder(tmp_path / "a" / "b" / "c", "there")
    assert names(tmp_path) == ["lost", "old"]
    assert (tmp_path / "old").read_bytes() == b"old"


@pytest.mark.skipif(not os.path.exists("/proc/self"), reason="this system has no /proc")
def test_a_folder_that_cannot_be_made_is_refused_before_the_work(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "loop").symlink_to("loop")
    for path, said in {
        tmp_path / "file": f"{tmp_path / 'file'} is a file, not a folder; give another name",
        tmp_path / "file" / "x": f"{tmp_path / 'file'} is a file, not a folder; give another name",
        tmp_path / "loop": f"{tmp_path / 'loop'} is a loop of links, not a folder; give another name",
        "/proc/x/y": "cannot be written: /proc takes no new file: No such file or directory",
    }.items():
        with pytest.raises(InputError) as caught:
            atomic.check_folder(path, f"--output {path}")
        assert str(caught.value) == f"--output {path}: {said}"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_full_disk_is_not_the_fault_of_the_input(tmp_path, monkeypatch, number):
    def refuse(*given):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as planted:
        planted.setattr(os, "open", refuse)
        with pytest.raises(RunError if number in (errno.ENOSPC, errno.EDQUOT) else InputError) as caught:
            atomic.check_file(tmp_path / "x", "--json x")
    assert str(caught.value) == f"--json x: cannot be written: {tmp_path} takes no new file: {os.strerror(number)}"
