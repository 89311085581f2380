"""Ctrl-C where it must wait: it is neither lost nor does it break what it meets."""

from __future__ import annotations

import signal
import threading
from types import SimpleNamespace

import pytest

from convlet.kernels.compiler import compile as compiler
from convlet.kernels.compiler.interrupts import interrupts_held
from convlet.kernels.compiler.kernel import Kernel
from convlet.kernels.registry import BY_NAME
from tests.interrupted import at_each_moment


def test_an_interrupt_waits_until_the_end():
    done = []

    @interrupts_held()
    def work():
        signal.raise_signal(signal.SIGINT)
        done.append("the rest")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["the rest"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_nothing_happens_without_one_or_where_it_is_ignored():
    with interrupts_held():
        pass
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


class Asked(Exception):
    """What a handler raises."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGALRM, signal.SIGUSR1])
def test_every_signal_with_a_handler_waits(number):
    done = []

    def handler(number, place):
        raise Asked

    @interrupts_held()
    def work():
        signal.raise_signal(number)
        done.append("the rest")

    before = signal.signal(number, handler)
    try:
        with pytest.raises(Asked):
            work()
        assert done == ["the rest"]
        assert signal.getsignal(number) is handler
    finally:
        signal.signal(number, before)


def test_an_exception_while_handlers_are_given_back_swallows_no_later_signal():
    heard = []
    before = signal.signal(signal.SIGALRM, lambda number, place: heard.append(number))
    try:
        for _ in at_each_moment(interrupts_held()(lambda: None)):
            signal.raise_signal(signal.SIGALRM)
            assert heard == [signal.SIGALRM]
            heard.clear()
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_other_threads_hold_nothing():
    seen = []

    def work():
        with interrupts_held():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


def test_an_interrupt_while_a_kernel_is_compiled_leaves_everything_in_order(monkeypatch):
    row = BY_NAME["read_clock"]

    def build(shape, target):
        signal.raise_signal(signal.SIGINT)
        return row.build(shape, target)

    monkeypatch.setitem(compiler.BY_NAME, "read_clock", SimpleNamespace(build=build))
    with pytest.raises(KeyboardInterrupt):
        compiler.compile_kernel(Kernel("read_clock"))
    monkeypatch.undo()
    name, code = compiler.compile_kernel(Kernel("read_clock"))
    assert "read_clock" in name
    assert code
