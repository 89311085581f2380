"""Words drawn from the whole grammar: all of them are legal, and those that would be compiled too long are refused."""

from __future__ import annotations

import re

import numpy as np
import pytest

from convlet.engine import memory
from convlet.engine.first_use import MOST_SECONDS, estimated_seconds
from convlet.errors import ArchitectureError
from convlet.network.word import RULES, parse, with_head
from first_use_drawn import drawn


def test_drawn_words_hold_every_kind_of_layer_and_are_compiled_in_bounds_or_refused():
    rng = np.random.default_rng(0)
    kinds, refused = set(), 0
    for _ in range(30):
        word, shape = drawn(rng)
        network = with_head(parse(word), 10)
        assert network.output_shape(shape) == (10,)
        kinds |= {re.match("[a-z]+", token).group() for token in word.split("-")}
        kernels = {
            kernel for training in (True, False) for kernel in memory._plan(network, shape, 1, training).kernels()
        }
        if estimated_seconds(kernels) > MOST_SECONDS:
            refused += 1
            with pytest.raises(ArchitectureError, match=f"at most {MOST_SECONDS} are allowed"):
                memory._check_kernels(network, shape, (True, False))
    assert kinds == {re.match("[a-z]+", rule.examples[0]).group() for rule in RULES}
    assert 0 < refused < 30


def test_layers_of_other_sizes_share_their_elementwise_kernels():
    """A further block of another size adds kernels of its convolution, and none for what goes number by number."""
    word = "-".join(
        f"conv{filters}-tanh-bn-dense8" if last else f"conv{filters}-tanh-bn"
        for filters, last in ((16, False), (32, False), (48, True))
    )
    plan = memory._plan(with_head(parse(word), 10), (12, 10, 3), 1, True)
    for name in ("activate", "activate_gradient", "batch_norm", "batch_norm_gradient"):
        steps = [kernel for kernel in plan.kernels() if kernel.name == name]
        assert len(steps) == 3
        assert len(set(steps)) == 1
