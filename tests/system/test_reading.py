"""Files of every kind at the one place where files are opened: read whole, or refused in one line and at once."""

from __future__ import annotations

import ast
import errno
import gc
import os
import signal
import socket
import stat
import tracemalloc
from pathlib import Path

import pytest

from convlet.errors import DataError, InputError
from convlet.system import reading

FEW = 100


@pytest.fixture(autouse=True)
def _at_once():
    """Whatever waits for a pipe or a terminal is cut off."""
    signal.alarm(20)
    yield
    signal.alarm(0)


def refusal(path, most=FEW):
    with pytest.raises(DataError) as caught:
        reading.read_bytes(path, "a picture", most, DataError)
    name, _, reason = str(caught.value).partition(": ")
    assert name == str(path)
    assert "\n" not in reason
    return reason


@pytest.mark.parametrize("content", [b"", b"\0", b"x" * FEW])
def test_a_regular_file_is_read_whole_also_through_a_link(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        assert reading.read_bytes(tmp_path / name, "a picture", FEW) == content
        assert reading.kind(tmp_path / name) == "file"


def test_what_is_not_there(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "lost").symlink_to("nothing")
    for name in ("nothing", "lost"):
        assert refusal(tmp_path / name) == "there is no such file; expected a picture"
    inside = tmp_path / "file" / "inside"
    assert refusal(inside) == "there is no such file: a part of its path is not a folder; expected a picture"
    for path in (tmp_path / "nothing", tmp_path / "lost", inside, tmp_path / ("n" * 300), "a\0b"):
        assert reading.is_missing(path)
        assert reading.kind(path) is None


def test_a_loop_of_links_is_something(tmp_path):
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    wanted = "is a link that leads back to itself; remove the link; expected a picture"
    assert refusal(tmp_path / "one") == wanted
    assert refusal(tmp_path / "one" / "inside") == wanted
    assert not reading.is_missing(tmp_path / "one")
    assert reading.kind(tmp_path / "one") is None


def test_names_that_no_file_has(tmp_path):
    long = tmp_path / ("n" * 300)
    assert refusal(long) == "there is no such file: the name is too long; expected a picture"
    assert refusal("a\0b") == "is not a name that a file can have; expected a picture"
    with pytest.raises(InputError) as caught:
        reading.read_bytes("n" * 5000, "a picture", FEW)
    assert len(str(caught.value)) < 700


def test_what_is_not_a_regular_file_is_never_opened(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(tmp_path)  # a socket's path may have only a hundred characters
        listening.bind("socket")
    monkeypatch.setattr(os, "open", lambda *given: pytest.fail("it was opened"))
    for path, found in {
        tmp_path: "folder",
        tmp_path / "pipe": "pipe",
        tmp_path / "socket": "socket",
        **dict.fromkeys(("/dev/zero", "/dev/full", "/dev/random", "/dev/tty", "/dev/null"), "device"),
    }.items():
        assert reading.kind(path) == found
        assert refusal(path) == f"is a {found}; expected a picture"


def test_a_pipe_that_takes_the_name_of_a_file_in_between_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe")
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, flags: real(tmp_path / "pipe", flags))
    assert refusal(tmp_path / "file") == "is a pipe; expected a picture"


def test_a_large_file_is_refused_before_a_byte_is_read(tmp_path):
    with open(tmp_path / "large", "wb") as file:
        file.truncate(2**40)
    tracemalloc.start()
    assert refusal(tmp_path / "large") == "has 1,099,511,627,776 bytes; a picture may have at most 100"
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.EACCES, "may not be read; change its permissions, or those of its folder"),
        (errno.EPERM, "may not be read; change its permissions, or those of its folder"),
        (errno.EMFILE, "cannot be opened: this process has too many files open; raise 'ulimit -n'"),
        (errno.ENFILE, "cannot be opened: the system has too many files open"),
        (errno.EIO, "cannot be read: Input/output error"),
        (errno.ENOENT, "there is no such file"),
    ],
)
def test_what_the_system_refuses_is_one_line(tmp_path, monkeypatch, number, reason):
    (tmp_path / "file").write_bytes(b"x")

    def refuse(*given):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as planted:
        planted.setattr(os, "open", refuse)
        assert refusal(tmp_path / "file") == f"{reason}; expected a picture"


def test_a_disk_that_fails_inside_the_block_is_one_line_but_a_decoder_speaks_for_itself(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(DataError) as caught, reading.opened(tmp_path / "file", "a picture", FEW, DataError):
        raise OSError(errno.ESTALE, "Stale file handle")
    assert str(caught.value) == f"{tmp_path / 'file'}: was replaced while it was read; try again"
    with pytest.raises(OSError, match="broken data stream"), reading.opened(tmp_path / "file", "a picture"):
        raise OSError("broken data stream")


@pytest.mark.parametrize("change", [-10, -1, 1, 20])
def test_a_file_that_changes_its_length_while_it_is_read_is_refused(tmp_path, monkeypatch, change):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 30)
    real = reading.size
    monkeypatch.setattr(reading, "size", lambda file: real(file) + change)
    assert refusal(path) == "changed while it was read; try again"


def test_no_descriptor_is_left_open(tmp_path):
    (tmp_path / "file").write_bytes(b"x" * (FEW + 1))
    os.mkfifo(tmp_path / "pipe")
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for name in ("file", "pipe", "none"):
        refusal(tmp_path / name)
    gc.collect()
    assert (len(os.listdir("/proc/self/fd")) if before else 0) == before


def test_a_folder_is_listed_by_name_or_refused(tmp_path, monkeypatch):
    for name in ("b", "a", "c"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in reading.entries(tmp_path)] == ["a", "b", "c"]
    with pytest.raises(DataError) as caught:
        reading.entries(tmp_path / "a", DataError)
    assert str(caught.value) == f"{tmp_path / 'a'}: is not a folder; give the name of one"
    with pytest.raises(DataError) as caught:
        reading.entries(tmp_path / "d", DataError)
    assert str(caught.value) == f"{tmp_path / 'd'}: there is no such folder"

    def forbidden(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", forbidden)
    with pytest.raises(DataError) as caught:
        reading.entries(tmp_path, DataError)
    assert str(caught.value) == f"{tmp_path}: may not be read; change its permissions, or those of its folder"


def test_the_kinds_are_all_there_are():
    modes = {stat.S_IFREG, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR, stat.S_IFBLK}
    assert {name for test, name in reading.KINDS for mode in modes if test(mode)} == {name for _, name in reading.KINDS}


OPENS = {
    "data/named.py": 1,  # writes what is downloaded
    "kernels/compiler/place.py": 1,  # our own sources, for the fingerprint
    "system/limits.py": 1,  # /proc and /sys
    "measure/conditions.py": 1,  # /proc/cpuinfo
    "report/page/__init__.py": 1,  # our own template
    "system/process.py": 2,  # /proc
    "cli/streams.py": 3,  # the null device
    "system/atomic.py": 2,  # a new file, and its folder to force it to the disk
    "system/lock.py": 3,
    "system/reading.py": 1,
}
"""The files that open anything without `reading`, how often, and what."""

METHODS = {"read_text", "read_bytes", "fromfile", "loadtxt", "genfromtxt", "memmap"}


def opens(tree):
    """Calls that open a file by its path: open(...), os.open(...), and the methods above."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id == "open":
            yield node
        if isinstance(called, ast.Attribute):
            owner = called.value.id if isinstance(called.value, ast.Name) else None
            if (called.attr in METHODS and owner != "reading") or (
                called.attr == "open" and owner in ("os", "path", "io")
            ):
                yield node
            if called.attr == "load" and owner in ("np", "numpy", "json", "pickle"):
                yield node


def test_every_other_file_is_opened_here():
    root = Path(reading.__file__).parent.parent
    found = {str(path.relative_to(root)): len(list(opens(ast.parse(path.read_text())))) for path in root.rglob("*.py")}
    assert {name: count for name, count in found.items() if count} == OPENS
