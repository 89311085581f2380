"""The reference engine: gradients by finite differences, the tree of sums, state, dropout and threads."""

from __future__ import annotations

import os
import threading
import time
import warnings

import numpy as np
import pytest

from convlet import random
from convlet.engine.reference import PairwiseSum
from convlet.layers import Pass
from convlet.learning.losses import softmax_cross_entropy
from convlet.learning.optimizers import SGD
from tests.interrupted import only
from tests.training.examples import engine, stripes

NETWORKS = [
    "conv3-relu-pool-conv4k2v-tanh-avgpool",
    "conv3s2-bn-gelu-dropout0.3-dense5-sigmoid-dropout0.5",
    "res3s2-silu-res3-gap-leakyrelu",
]


def float64_loss(made, shown, scale=1.0):
    """The mean loss as a function of float64 parameters, with its gradient, shard by shard."""
    x = made.preprocessing.apply(shown.images).astype(np.float64)
    state = made.layout.state_views(made.state.astype(np.float64))
    streams = made._streams

    def loss(parameters):
        total, gradient = 0.0, np.zeros_like(parameters)
        for start in range(0, len(x), made.shard):
            part = slice(start, start + made.shard)
            positions = np.arange(len(x))[part] + 10

            def uniform(path, shape, positions=positions):
                draw = {"seed": made.seed, "purpose": random.DROPOUT, "epoch": 2}
                return random.uniform_images(positions, shape[1:], stream=streams[path], **draw)

            views = made.layout.views(parameters)
            logits, saved = made.network.forward(x[part], views, state, Pass(True, uniform))
            losses, dlogits = softmax_cross_entropy(logits, shown.labels[part])
            _, gradients = made.network.backward(dlogits * scale, saved, views)
            total += losses.sum()
            for name, values in made.layout.views(gradient).items():
                values += gradients[name]
        return total / len(x), gradient / len(x)

    return loss


def slope_error(loss, parameters):
    """The relative error of the gradient along a random direction, next to finite differences."""
    direction = random.normal(parameters.shape, seed=5, purpose=random.AUGMENT).astype(np.float64)
    step = 1e-6
    slope = (loss(parameters + step * direction)[0] - loss(parameters - step * direction)[0]) / (2 * step)
    return abs(loss(parameters)[1] @ direction - slope) / abs(slope)


@pytest.mark.parametrize("word", NETWORKS)
def test_the_gradient_of_a_whole_network_is_its_slope(word):
    shown = stripes(11)
    made = engine(word, shown.images, shard=4, seed=3)
    loss = float64_loss(made, shown)
    parameters = made.parameters.astype(np.float64)
    assert slope_error(loss, parameters) < 1e-5
    total, wrong = made.gradients(shown.images, shown.labels, np.arange(11), epoch=2, position=10)
    expected, gradient = loss(parameters)
    assert total == pytest.approx(11 * expected, rel=1e-5)
    assert 0 <= wrong <= 11
    np.testing.assert_allclose(made.gradient, gradient, rtol=2e-3, atol=2e-6)


def test_a_gradient_wrong_by_a_thousandth_is_caught():
    shown = stripes(11)
    made = engine(NETWORKS[0], shown.images, shard=4)
    planted = float64_loss(made, shown, scale=1.001)
    assert slope_error(planted, made.parameters.astype(np.float64)) > 5e-4


@pytest.mark.parametrize("rows", range(1, 18))
def test_rows_are_added_in_a_fixed_tree(rows):
    numbers = random.normal((rows, 3), seed=rows, purpose=random.AUGMENT)
    summing = PairwiseSum()
    for row in numbers:
        summing.add(row.copy())
    tree = [row.copy() for row in numbers]
    stride = 1
    while stride < rows:
        for i in range(0, rows - stride, 2 * stride):
            tree[i] = tree[i] + tree[i + stride]
        stride *= 2
    assert summing.total().tobytes() == tree[0].tobytes()


def one_step(word, threads, *, seed=0, shard=4, batch=None, epoch=0, position=0):
    """Everything a step and a prediction leave behind, as bytes."""
    shown = stripes(30)
    made = engine(word, shown.images, shard=shard, threads=threads, seed=seed)
    batch = np.arange(30) if batch is None else batch
    counts = made.gradients(shown.images, shown.labels, batch, epoch=epoch, position=position)
    made.update(SGD(0.1), SGD().new_slots(made.layout.parameter_count), 0.1, 1)
    logits = made.logits(shown.images)
    made.close()
    arrays = (made.gradient, made.parameters, made.state, logits)
    return counts, *(array.tobytes() for array in arrays)


@pytest.mark.parametrize("word", NETWORKS)
def test_any_number_of_threads_gives_the_same_bits(word):
    alone = one_step(word, 1)
    for threads in (2, 3, 7):
        assert one_step(word, threads) == alone


def test_a_batch_may_hold_any_images_in_any_order():
    shown = stripes(30)
    made = engine("conv2-relu", shown.images)
    batch = np.array([7, 3, 29])
    made.gradients(shown.images, shown.labels, batch, epoch=0, position=0)
    gradient = made.gradient.copy()
    made.gradients(shown.images[batch], shown.labels[batch], np.arange(3), epoch=0, position=0)
    assert np.array_equal(made.gradient, gradient)


def test_losses_are_summed_and_wrong_images_counted():
    shown = stripes(30)
    made = engine("conv2-relu", shown.images)
    logits = made.logits(shown.images)
    losses, _ = softmax_cross_entropy(logits, shown.labels)
    total, wrong = made.gradients(shown.images, shown.labels, np.arange(30), epoch=0, position=0)
    assert total == pytest.approx(losses.sum(), rel=1e-6)
    assert wrong == np.count_nonzero(logits.argmax(1) != shown.labels)
    assert 0 < wrong < 30


def test_dropout_follows_epoch_position_seed_and_image():
    word = "dropout0.5"
    base = one_step(word, 1)
    assert one_step(word, 1) == base
    for other in ({"epoch": 1}, {"position": 1}):
        assert one_step(word, 1, **other)[1] != base[1]
    # an image keeps its numbers whatever shard it lies in, so only the order of addition differs
    gradients = [np.frombuffer(one_step(word, 1, shard=shard)[1], np.float32) for shard in (4, 30)]
    np.testing.assert_allclose(*gradients, rtol=1e-4, atol=1e-6)


def test_two_dropout_layers_draw_different_numbers():
    shown = stripes(2)
    made = engine("dropout0.5-dropout0.5", shown.images)
    drawn = {}
    forward = made.network.forward

    def spy(x, parameters, state, run):
        drawn.update({path: run.uniform(path, x.shape) for path in ((0,), (1,))})
        return forward(x, parameters, state, run)

    object.__setattr__(made.network, "forward", spy)
    made.gradients(shown.images, shown.labels, np.arange(2), epoch=4, position=6)
    for stream, path in enumerate(drawn):
        expected = random.uniform_images(
            np.array([6, 7]), (8, 8, 1), seed=0, purpose=random.DROPOUT, stream=stream, epoch=4
        )
        assert np.array_equal(drawn[path], expected)


def test_running_statistics_follow_the_mean_over_the_shards():
    shown = stripes(10)
    made = engine("bnm0.75", shown.images, shard=4)
    made.gradients(shown.images, shown.labels, np.arange(10), epoch=0, position=0)
    x = made.preprocessing.apply(shown.images)
    shards = [x[0:4], x[4:8], x[8:10]]
    for number, observed in enumerate((np.mean, np.var)):
        seen = np.mean([observed(part) for part in shards])
        expected = 0.75 * number + 0.25 * seen  # they begin as mean 0 and variance 1
        assert made.state[number] == pytest.approx(expected, abs=1e-6)


def test_prediction_uses_running_statistics_and_no_dropout():
    shown = stripes(10)
    made = engine("bn-dropout0.5", shown.images, shard=4)
    before = made.state.copy()
    logits = made.logits(shown.images)
    x = made.preprocessing.apply(shown.images) / np.sqrt(1 + 1e-5)
    weights = made.layout.views(made.parameters)["3.dense.weights"]
    np.testing.assert_allclose(logits, x.reshape(10, -1) @ weights, rtol=1e-4, atol=1e-5)
    assert logits.dtype == np.float32
    assert np.array_equal(made.state, before)


def test_prediction_of_no_images_is_empty():
    shown = stripes(4)
    assert engine("conv2", shown.images).logits(shown.images[:0]).shape == (0, 3)


def test_a_network_that_diverges_warns_of_nothing():
    shown = stripes(4)
    made = engine("conv2-tanh", shown.images)
    made.parameters[:] = 3e38
    loss, _ = made.gradients(shown.images, shown.labels, np.arange(4), epoch=0, position=0)
    assert not np.isfinite(loss)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_gets_threads_of_its_own():
    shown = stripes(30)
    made = engine("conv2-relu", shown.images, shard=4, threads=2)
    made.gradients(shown.images, shown.labels, np.arange(30), epoch=0, position=0)
    expected = made.gradient.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of any fork beside threads
        child = os.fork()
    if child == 0:
        made.gradients(shown.images, shown.labels, np.arange(30), epoch=0, position=0)
        os._exit(0 if np.array_equal(made.gradient, expected) else 1)
    deadline, (done, status) = time.monotonic() + 20, (0, 0)
    while not done and time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.01)
    if not done:
        os.kill(child, 9)
        os.waitpid(child, 0)
    made.close()
    assert done == child, "the forked process hung"
    assert os.waitstatus_to_exitcode(status) == 0


def test_an_engine_can_be_closed_twice_and_used_again():
    shown = stripes(30)
    made = engine("conv2-relu", shown.images, shard=4, threads=2)
    logits = made.logits(shown.images)
    made.close()
    made.close()
    assert np.array_equal(made.logits(shown.images), logits)
    made.close()


@pytest.mark.parametrize("allowed", [0, 1])
def test_a_refused_thread_leaves_the_same_result(allowed, monkeypatch):
    start, left = threading.Thread.start, allowed

    def refused(thread):
        nonlocal left
        if not left:
            raise RuntimeError("can't start new thread")
        left -= 1
        start(thread)

    images = stripes(70).images
    wanted = engine("conv2-relu", images, shard=8).logits(images)
    monkeypatch.setattr(threading.Thread, "start", refused)
    np.testing.assert_array_equal(engine("conv2-relu", images, shard=8, threads=4).logits(images), wanted)


def test_an_error_in_a_thread_is_raised_and_ends_the_others():
    images = stripes(70).images
    made, calls = engine("conv2-relu", images, shard=1, threads=3), []

    def work(start):
        calls.append(start)
        raise MemoryError(start)

    with pytest.raises(MemoryError):
        list(made._in_order(work, list(range(70))))
    assert len(calls) <= 3
    assert only(0)
