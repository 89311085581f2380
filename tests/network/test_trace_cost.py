"""What a pass is said to cost: memory that it really takes, and work that grows with the pixels and not faster."""

from __future__ import annotations

import tracemalloc

import pytest

from convlet import interpret
from convlet.network.trace_cost import trace_bytes, trace_work, values
from tests.test_interpret import images_of, model_of


@pytest.mark.parametrize(
    ("word", "shape"),
    [
        ("conv8-relu-pool-conv8-relu-pool", (90, 80, 3)),
        ("conv4-relu-conv8-relu-gap", (1, 3000, 1)),
        ("conv2k15-gelu-gap", (1, 2000, 2)),
        ("gap", (150, 150, 3)),
        ("conv8-silu-bn-tanh-dropout0.5-sigmoid-leakyrelu", (50, 50, 2)),
        ("pool8s1-pool-gap", (60, 60, 3)),
        ("res8-res8s2", (60, 40, 3)),
        ("dense64-relu", (60, 60, 3)),
    ],
)
def test_a_pass_takes_no_more_memory_than_it_is_said_to(word, shape):
    model, images = model_of(word, shape), images_of(2, shape)
    interpret.saliency(model, images)
    tracemalloc.start()
    try:
        interpret.saliency(model, images)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    most = 2 * trace_bytes(model.network, shape)
    assert most / 5 < peak < most


@pytest.mark.parametrize("word", ["conv8-relu-pool-gap", "res8-gap", "conv4k5-bn-avgpool3-gap"])
def test_cost_grows_as_the_pixels_do(word):
    network = model_of(word, (60, 60, 3)).network
    for cost in (trace_bytes, trace_work, values):
        small, large = cost(network, (60, 60, 3)), cost(network, (120, 300, 3))
        assert 8 < large / small < 12
