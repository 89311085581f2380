"""Multiply-adds of a training step, counted by hand."""

from __future__ import annotations

import pytest

from convlet.network.costs import Work, describe, layers_work
from tests.training.examples import network

CONV = 28 * 28 * 9 * 8  # 8 filters of 3x3 on one channel of 28x28


def test_the_first_convolution_needs_no_gradient_of_the_images():
    found = layers_work(network("conv8-relu-pool", 10), (28, 28, 1))
    dense = 14 * 14 * 8 * 10
    assert found == [Work(CONV, 0, CONV), Work(), Work(), Work(), Work(dense, dense, dense)]
    assert sum(found, Work()).total == 2 * CONV + 3 * dense


def test_layers_that_learn_nothing_do_not_change_that():
    found = layers_work(network("relu-dropout0.5-conv8", 10), (28, 28, 1))
    assert found[2] == Work(CONV, 0, CONV)


def test_behind_a_normalisation_the_gradient_is_needed():
    found = layers_work(network("bn-conv8", 10), (28, 28, 1))
    assert found[:2] == [Work(), Work(CONV, CONV, CONV)]


def test_a_residual_block_counts_its_branches():
    first, second, shortcut = 7 * 7 * 9 * 4 * 8, 7 * 7 * 9 * 8 * 8, 7 * 7 * 4 * 8
    both = first + second + shortcut
    (alone, *_) = layers_work(network("res8s2", 10), (14, 14, 4))
    assert alone == Work(both, second, both)  # the images need no gradient, what stands between the two does
    found = layers_work(network("conv4-res8s2", 10), (14, 14, 1))
    assert found[1] == Work(both, both, both)


@pytest.mark.parametrize("word", ["conv8k5s2-relu-avgpool-conv7v", "conv8-relu-res8-res16s2-gap", "dense12-tanh"])
def test_the_forward_pass_is_what_inspect_shows(word):
    made = network(word, 10)
    shown = [row["multiply_adds"] for row in describe(made, (28, 28, 3))]
    assert [own.forward for own in layers_work(made, (28, 28, 3))] == shown
