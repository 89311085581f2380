"""Signals where the system refuses the thread that watches them: they still interrupt."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from convlet.cli.signals import Signals, Terminated


@pytest.mark.parametrize(("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)])
def test_a_refused_watcher_leaves_signals_that_interrupt(number, raised, monkeypatch):
    def refused(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    before = signal.getsignal(number), len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    with pytest.raises(raised), Signals():
        signal.raise_signal(number)
    after = signal.getsignal(number), len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert after == before
