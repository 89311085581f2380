"""Renaming and forcing files, as Windows and macOS do it: each by a stand-in."""

from __future__ import annotations

import ast
import errno
import os
import sys
import types
from pathlib import Path

import pytest

import convlet
from convlet.system import durable

CLOCK_TICK_SECONDS = 0.016
"""Of Windows: a shorter pause takes as long as this one."""


class Windows(PermissionError):
    """A refusal of Windows, with its own number."""

    def __init__(self, number):
        super().__init__(errno.EACCES, "Access is denied")
        self.winerror = number


@pytest.fixture
def refused(monkeypatch):
    """`plant(error, times)` lets that many renamings fail; the pauses made, in seconds, none of them waited for."""
    pauses, real = [], os.replace
    monkeypatch.setattr(durable, "sleep", pauses.append)

    def plant(error, times):
        left = [error] * times

        def replace(source, target):
            if left:
                raise left.pop()
            real(source, target)

        monkeypatch.setattr(os, "replace", replace)
        return pauses

    return plant


@pytest.fixture
def pair(tmp_path):
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "new").write_bytes(b"new")
    return tmp_path / "new", tmp_path / "old"


@pytest.mark.parametrize("number", durable.IN_USE)
@pytest.mark.parametrize("times", [0, 1, len(durable.WAITS_SECONDS)])
def test_a_file_that_is_let_go_in_time_is_replaced(pair, refused, number, times):
    pauses = refused(Windows(number), times)
    durable.replace(*pair)
    assert pauses == [*durable.WAITS_SECONDS[:times]]
    assert pair[1].read_bytes() == b"new"
    assert not pair[0].exists()


def test_one_that_is_not_let_go_is_an_error_and_both_files_stay(pair, refused):
    pauses = refused(Windows(5), 100)
    with pytest.raises(PermissionError, match="Access is denied"):
        durable.replace(*pair)
    assert 1 <= sum(pauses) <= 2
    assert [path.read_bytes() for path in pair] == [b"new", b"old"]


@pytest.mark.parametrize("error", [PermissionError(errno.EPERM, "Operation not permitted"), Windows(19)])
def test_what_time_does_not_change_is_an_error_at_once(pair, refused, error):
    pauses = refused(error, 1)
    with pytest.raises(PermissionError):
        durable.replace(*pair)
    assert pauses == []


@pytest.fixture
def calls(monkeypatch):
    """What is called to force a file: "full" on macOS, "fsync"."""
    made = []
    monkeypatch.setattr(os, "fsync", lambda handle: made.append(("fsync", handle)))
    return made


@pytest.mark.parametrize("knows", [True, False])
def test_macos_is_asked_to_empty_the_drives_own_memory(monkeypatch, calls, knows):
    def fcntl(handle, command):
        calls.append(("full", handle, command))
        if not knows:
            raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setitem(sys.modules, "fcntl", types.SimpleNamespace(fcntl=fcntl, F_FULLFSYNC=51))
    durable.force(7)
    assert calls == [("full", 7, 51)] + ([] if knows else [("fsync", 7)])


@pytest.mark.parametrize("module", [types.SimpleNamespace(), None], ids=["Linux", "Windows"])
def test_other_systems_have_fsync_alone(monkeypatch, calls, module):
    monkeypatch.setitem(sys.modules, "fcntl", module)
    durable.force(7)
    assert calls == [("fsync", 7)]


def test_no_pause_is_shorter_than_windows_can_make():
    """What is awaited in less time is awaited on locks, see `kernels.meet`, or by looking."""
    asleep = {}
    for path in sorted(Path(convlet.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "sleep":
                asleep[f"{path.stem}: {ast.unparse(node.args[0])}"] = node
    assert sorted(asleep) == ["durable: seconds", "profile: CALIBRATION_SECONDS"]
    from convlet.measure import profile

    assert min(*durable.WAITS_SECONDS, profile.CALIBRATION_SECONDS) > CLOCK_TICK_SECONDS
