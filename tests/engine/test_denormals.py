"""Denormals are zero inside kernels, in every thread, and the thread's own control word stands again afterwards."""

from __future__ import annotations

import ctypes
import platform
import threading

import numpy as np
import pytest

from convlet.engine.compiled import CompiledEngine
from convlet.engine.reference import ReferenceEngine
from convlet.learning.optimizers import Adam
from convlet.learning.preprocessing import Preprocessing
from convlet.network.word import parse, with_head

TINY = np.float32(1e-40)
MACHINE = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())

pytestmark = pytest.mark.skipif(MACHINE not in {"x86_64", "aarch64"}, reason="only these have a control word we know")


def engine(kind=CompiledEngine, threads=1, word="dense3"):
    """An engine for images of 2x3 pixels as they are; its weights are ones, its biases zeros."""
    network = with_head(parse(word), 4)
    made = kind(network, (2, 3, 1), Preprocessing((0.0,), (1.0,)), shard=4, threads=threads, seed=0)
    for name, values in made.layout.views(made.parameters).items():
        values[...] = name.endswith("weights")
    return made


def images(count=32, value=TINY):
    return np.full((count, 2, 3, 1), value, np.float32)


@pytest.mark.parametrize("threads", [1, 3])
def test_tiny_inputs_are_zero_in_every_thread(threads):
    compiled, reference = engine(threads=threads), engine(ReferenceEngine)
    assert (reference.logits(images()) > 0).all()  # what they are without flushing
    np.testing.assert_array_equal(compiled.logits(images()), np.zeros((32, 4), np.float32))
    compiled.gradients(images(), np.zeros(32, np.int64), np.arange(32), epoch=0, position=0)
    gradient = compiled.layout.views(compiled.gradient)
    assert not gradient["0.dense.weights"].any()
    assert gradient["1.dense.biases"].any()
    compiled.close()


def test_results_too_small_for_a_normal_number_are_zero():
    compiled = engine()
    compiled.parameters *= np.float32(1e-20)
    assert not compiled.logits(images(value=np.float32(1e-20))).any()
    slots = {"mean": np.full_like(compiled.parameters, TINY), "squares": np.full_like(compiled.parameters, TINY)}
    assert list(slots) == list(Adam().new_slots(1))
    compiled.update(Adam(), slots, 0.01, 1)
    assert not slots["mean"].any()
    assert not slots["squares"].any()


def libm():
    """The C library's functions of the floating-point environment."""
    try:
        found = ctypes.CDLL(None)
        return found.fegetenv, found.fesetround
    except (OSError, TypeError, AttributeError):
        pytest.skip("the C library has no fegetenv that can be called")


def control_word():
    """MXCSR's settings without its flags of what has happened, or FPCR."""
    get, _ = libm()
    environment = (ctypes.c_uint32 * 16)()
    assert get(environment) == 0
    return environment[7] & ~0x3F if MACHINE == "x86_64" else environment[0]


UPWARD = {"x86_64": 0x800, "aarch64": 0x400000}


@pytest.mark.parametrize("upward", [False, True], ids=["as it was", "rounding upward"])
@pytest.mark.parametrize("threads", [1, 2])
def test_the_threads_own_control_word_stands_again_and_changes_no_result(upward, threads):
    _, set_rounding = libm()
    rng = np.random.default_rng(0)
    pixels, labels = rng.standard_normal((32, 2, 3, 1)).astype(np.float32), rng.integers(0, 4, 32)
    compiled = engine(threads=threads, word="dense3-tanh")

    def work():
        compiled.gradients(pixels, labels, np.arange(32), epoch=0, position=0)
        return compiled.gradient.tobytes(), compiled.logits(pixels).tobytes()

    wanted, found = work(), []

    def run():  # in a thread of its own, so that the test's thread keeps its word whatever happens
        if upward:
            set_rounding(UPWARD[MACHINE])
        before, came = control_word(), work()
        found.extend([before, control_word(), came, TINY * np.float32(1)])

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    before, after, came, product = found
    assert after == before
    assert came == wanted
    assert product == TINY  # NumPy flushes nothing
    if upward and MACHINE == "x86_64":
        assert before & 0x6000 == 0x4000
    compiled.close()
