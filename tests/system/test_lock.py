"""One process at a time in a folder, on file systems with locks of either kind and on those without any."""

from __future__ import annotations

import errno
import json
import logging
import os
import subprocess
import sys
import threading
import time
import types

import pytest

from convlet.errors import CheckpointError, RunError
from convlet.system import lock, process
from convlet.system.lock import HOLDER, NAME, Lock, is_held

fcntl = pytest.importorskip("fcntl")

OTHER = f"""import sys, time
from pathlib import Path
sys.path[:0] = {sys.path!r}
import fcntl
def no(*given):
    raise OSError({errno.ENOSYS}, "Function not implemented")
from convlet.system.lock import Lock
if "flock" in sys.argv[2]:
    fcntl.flock = no
if "fcntl" in sys.argv[2]:
    fcntl.fcntl = no
with Lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def refuse(number):
    def no(*given):
        raise OSError(number, os.strerror(number))

    return no


@pytest.fixture(params=["locks", "flock alone", "no locks", "no locks, ENOLCK"])
def less(request, monkeypatch):
    """What a file system lacks, in words that OTHER knows."""
    found = {"locks": "", "flock alone": "fcntl", "no locks": "fcntl flock", "no locks, ENOLCK": "fcntl flock"}
    number = errno.ENOLCK if "ENOLCK" in request.param else errno.EOPNOTSUPP
    for name in found[request.param].split():
        monkeypatch.setattr(fcntl, name, refuse(number))
    return found[request.param]


def other(folder, less):
    """Another process that holds the folder until its input ends."""
    command = [sys.executable, "-c", OTHER, str(folder), less]
    running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert running.stdout.readline() == "held\n"
    return running


def refusal(folder):
    with pytest.raises(CheckpointError) as caught, Lock(folder):
        pass
    return str(caught.value)


def test_a_folder_is_held_by_one_and_let_go(tmp_path, less):
    assert not is_held(tmp_path)
    with Lock(tmp_path):
        assert is_held(tmp_path)
        assert refusal(tmp_path) == f"{tmp_path}: is in use by process {os.getpid()}; wait for it, or end it"
        assert is_held(tmp_path)
    assert not is_held(tmp_path)
    with Lock(tmp_path):
        pass
    assert not is_held(tmp_path / "none")
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_another_process_holds_it_until_it_ends_however_it_ends(tmp_path, less):
    for killed in (False, True):
        with other(tmp_path, less) as running:
            assert is_held(tmp_path)
            assert refusal(tmp_path) == f"{tmp_path}: is in use by process {running.pid}; wait for it, or end it"
            if killed:
                running.kill()
                while process.is_running(json.loads((tmp_path / NAME).read_text())):
                    time.sleep(0.01)
            else:
                running.stdin.close()
                running.wait()
            assert not is_held(tmp_path)
            with Lock(tmp_path):
                assert is_held(tmp_path)


def test_who_looks_never_keeps_others_out(tmp_path, less):
    with Lock(tmp_path):
        pass
    stop = threading.Event()

    def look():
        while not stop.is_set():
            is_held(tmp_path)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(200):
            with Lock(tmp_path):
                pass
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_of_many_at_once_one_holds_it(tmp_path, less):
    inside, most, entered = [], [], []

    def enter():
        for _ in range(40):
            try:
                with Lock(tmp_path):
                    inside.append(1)
                    most.append(len(inside))
                    time.sleep(0.0005)
                    inside.pop()
                entered.append(1)
            except CheckpointError:
                time.sleep(0.0005)

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert len(entered) > 10


@pytest.fixture
def lockless(monkeypatch):
    for name in ("fcntl", "flock"):
        monkeypatch.setattr(fcntl, name, refuse(errno.ENOSYS))


def planted(folder, **changes):
    record = process.identity() | changes
    for name in (NAME, HOLDER):
        (folder / name).write_text(" " + json.dumps(record) + "\n")


@pytest.mark.parametrize(
    "changes",
    [{"pid": 2**22 + 1}, {"started": 5}, {"pid": -1}, {"pid": "1"}, {"pid": None}, {"machine": None}],
    ids=str,
)
def test_a_process_that_has_ended_holds_nothing(tmp_path, lockless, changes, caplog):
    planted(tmp_path, **changes)
    assert not is_held(tmp_path)
    with Lock(tmp_path):
        assert is_held(tmp_path)
    assert caplog.messages == []
    assert not (tmp_path / HOLDER).exists()


def test_a_process_on_another_machine_is_named_and_holds_nothing(tmp_path, lockless, caplog):
    planted(tmp_path, machine="another", host="node7", pid=42)
    assert not is_held(tmp_path)
    with caplog.at_level(logging.WARNING), Lock(tmp_path):
        pass
    assert caplog.messages == [
        f"{tmp_path}: was in use by process 42 on node7; make sure that it has ended, since that cannot be seen here"
    ]


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\0" * 100, b" 123\n", b"x" * 5000], ids=len)
def test_a_damaged_holder_counts_for_nothing_once_it_is_old(tmp_path, lockless, content):
    (tmp_path / HOLDER).write_bytes(content)
    (tmp_path / NAME).write_bytes(content)
    assert not is_held(tmp_path)
    if content in (b"", b"x" * 5000):  # another process may be about to write it
        assert refusal(tmp_path) == f"{tmp_path}: is in use by another process; wait for it, or end it"
        os.utime(tmp_path / HOLDER, (0, time.time() - 60))
    with Lock(tmp_path):
        assert is_held(tmp_path)


def test_a_holder_that_another_process_replaced_meanwhile_is_put_back(tmp_path, lockless, monkeypatch):
    planted(tmp_path, started=5)
    real = os.rename

    def late(old, new):
        monkeypatch.setattr(os, "rename", real)
        planted(tmp_path)
        real(old, new)

    monkeypatch.setattr(os, "rename", late)
    assert refusal(tmp_path) == f"{tmp_path}: is in use by process {os.getpid()}; wait for it, or end it"
    assert sorted(path.name for path in tmp_path.iterdir()) == [NAME, HOLDER]
    assert is_held(tmp_path)


def test_a_lock_that_leads_elsewhere_is_not_followed(tmp_path):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / NAME).symlink_to("precious")
    with pytest.raises(CheckpointError) as caught, Lock(tmp_path):
        pass
    path = tmp_path / NAME
    assert str(caught.value) == f"{path}: cannot be opened to lock the folder: is a link or a loop of links; remove it"
    assert (tmp_path / "precious").read_text() == "precious"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CheckpointError) as caught, Lock(tmp_path):
        pass
    assert str(caught.value) == f"{path}: is not a file, so the folder cannot be locked; remove it"
    assert not is_held(tmp_path)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EDQUOT])
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, monkeypatch, number):
    monkeypatch.setattr(lock.os, "open", refuse(number))
    full = number in (errno.ENOSPC, errno.EDQUOT)
    with pytest.raises(RunError if full else CheckpointError) as caught, Lock(tmp_path):
        pass
    assert str(caught.value) == f"{tmp_path / NAME}: cannot be opened to lock the folder: {os.strerror(number)}"


def test_a_full_disk_has_room_for_a_lock(tmp_path, monkeypatch):
    with monkeypatch.context() as planted:
        planted.setattr(lock.os, "write", refuse(errno.ENOSPC))
        with Lock(tmp_path):
            assert is_held(tmp_path)
            assert refusal(tmp_path) == f"{tmp_path}: is in use by another process; wait for it, or end it"
    assert not is_held(tmp_path)


def test_this_process_runs_and_its_record_survives_json():
    record = json.loads(json.dumps(process.identity()))
    assert process.is_running(record)
    assert process.decode(json.dumps(record).encode()) == record
    assert process.decode(b"[]") is None
    assert process.decode(b"\xff") is None


@pytest.mark.parametrize(
    ("number", "expected"),
    [(None, True), (errno.EACCES, False), (errno.EDEADLOCK, False), (errno.EINVAL, None), (errno.ENOSYS, None)],
)
def test_windows_answers_held_or_that_it_has_no_locks_here(tmp_path, monkeypatch, number, expected):
    def locking(handle, mode, count):
        assert (mode, count) == (2, 1)
        if number is not None:
            raise OSError(number, os.strerror(number))

    monkeypatch.setitem(sys.modules, "msvcrt", types.SimpleNamespace(locking=locking, LK_NBLCK=2))
    with open(tmp_path / "file", "wb") as file, monkeypatch.context() as windows:
        windows.setattr(os, "name", "nt")
        found = lock._take(file.fileno())
    assert found is expected
