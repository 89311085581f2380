"""Engines a model keeps: one for one after the other, another for two at once, none left behind."""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

from convlet.model import lending
from convlet.model.lending import Engines
from tests.interrupted import only
from tests.model.test_model import make


class Fake:
    def __init__(self, threads):
        self.threads, self.closed = threads, False

    def close(self):
        self.closed = True


@pytest.fixture
def made():
    return []


@pytest.fixture
def engines(made):
    return Engines(lambda threads: made.append(Fake(threads)) or made[-1])


def test_the_same_engine_serves_one_after_the_other(engines, made):
    for _ in range(3):
        with engines.lent(2) as engine:
            assert engine is made[0]
    assert not made[0].closed


def test_two_at_once_get_two(engines, made):
    with engines.lent(2) as one, engines.lent(2) as two:
        assert one is not two
    assert len(made) == 2


def test_another_number_of_threads_makes_another_and_closes_the_first(engines, made):
    with engines.lent(2):
        pass
    with engines.lent(None) as engine:
        assert engine.threads is None
    assert [engine.closed for engine in made] == [True, False]


def test_few_are_kept(engines, made, monkeypatch):
    monkeypatch.setattr(lending, "MOST_IDLE", 1)
    with engines.lent(1), engines.lent(1):
        pass
    assert sorted(engine.closed for engine in made) == [False, True]


def test_their_threads_end_with_their_owner():
    trained = make()
    images = np.zeros((100, *trained.input_shape), np.uint8)
    gc.collect()
    trained.logits(images, 3)
    with trained._engines.lent(2) as engine:
        engine.logits(images)
    assert not only(0, seconds=0.05)
    del trained, engine
    gc.collect()
    assert only(0)


def test_a_forked_process_makes_its_own(engines, made, monkeypatch):
    with engines.lent(1):
        pass
    process = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: process + 1)
    with engines.lent(1) as engine:
        assert engine is made[1]


def test_many_threads_predict_the_same_bits_at_once():
    trained = make()
    images = np.random.default_rng(0).integers(0, 256, (70, *trained.input_shape)).astype(np.uint8)
    wanted, came = trained.logits(images), []
    threads = [threading.Thread(target=lambda: came.append(trained.logits(images))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(came) == 8
    for logits in came:
        np.testing.assert_array_equal(logits, wanted)


def test_a_model_that_has_predicted_can_be_pickled():
    trained = make()
    images = np.zeros((1, *trained.input_shape), np.uint8)
    wanted = trained.logits(images)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(trained)).logits(images), wanted)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, SystemExit, ValueError, GeneratorExit])
def test_an_interrupted_engine_is_not_lent_again(engines, made, error):
    with pytest.raises(error), engines.lent(2):
        raise error
    assert made[0].closed
    with engines.lent(2) as engine:
        assert engine is made[1]


def test_idle_engines_are_closed_when_the_interpreter_exits(engines, made):
    with engines.lent(2) as used:
        with engines.lent(2):
            pass
        lending._close_idle()
        assert [used.closed for used in made] == [False, True]
    del engines
    assert used is made[0]


def test_those_that_are_gone_are_forgotten():
    made = [Engines(Fake) for _ in range(5)]
    made[:] = [Engines(Fake)]
    gc.collect()
    Engines(Fake)
    assert sum(one() in made for one in lending._made) == 1
    assert len([one for one in lending._made if one() is None]) <= 1


@pytest.mark.parametrize("ways", ["", "; sys.exit(0)", "; threading.Thread(target=loop, daemon=True).start()"])
def test_the_interpreter_exits_whatever_its_threads_do(ways):
    program = f"""
import sys, threading
from tests.training.test_interruptions import IMAGES, untrained
model, other = untrained(), untrained()
def loop():
    while True: model.logits(IMAGES.images, 3)
model.logits(IMAGES.images, 3); other.logits(IMAGES.images, 2){ways}
"""
    ended = subprocess.run([sys.executable, "-c", program], timeout=60, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
