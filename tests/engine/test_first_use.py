"""What the first use of a network takes: words that people use are allowed, and what would be compiled too long is not."""

from __future__ import annotations

import pytest

from convlet.cli import main
from convlet.engine import memory
from convlet.engine.first_use import MOST_SECONDS, check_first_use, estimated_seconds
from convlet.engine.memory import check_prediction, check_training
from convlet.errors import ArchitectureError
from convlet.kernels.compiler.kernel import Kernel
from convlet.kernels.shapes import ConvShape, Grid
from convlet.learning.settings import Settings
from convlet.recipes.table import RECIPES
from tests.training.examples import SHAPE, network

MANY = "-".join(f"conv{filters}" for filters in range(1, 60))
TOO_MANY = (
    "conv1-conv2-conv3-conv4-conv5-conv6-conv7-conv8-conv9-con...: its layers need {} different kernels, which take about "
    "{} seconds to compile on two cores, but at most 10 are allowed; use fewer different layers: layers of the same kind, "
    "size and input size share their kernels"
)


def test_a_network_of_too_many_kinds_of_layers_is_refused_before_anything_is_compiled(capsys):
    with pytest.raises(ArchitectureError) as caught:
        check_training(network(MANY), SHAPE, Settings(), 40, 1)
    assert str(caught.value) == TOO_MANY.format(238, "28.2")
    assert main(["train", "digits", "-a", MANY, "--quiet"]) == 2
    assert capsys.readouterr().err == f"convlet: {TOO_MANY.format(238, '28.2')}\n"


def test_a_stranger_s_model_of_too_many_kinds_of_layers_is_refused():
    many = "-".join(f"conv{filters}" for filters in range(1, 140))
    with pytest.raises(ArchitectureError) as caught:
        check_prediction(network(many), SHAPE, 16, 1)
    assert str(caught.value) == TOO_MANY.format(140, "22.9")


def convolution(filters, size=3):
    grid = Grid(8 * filters, 64 * filters, filters)
    return Kernel("conv", ConvShape(8, 8, 4, filters, size, 1, grid, grid))


def test_the_estimate_counts_each_kernel_once_and_few_filters_by_their_taps():
    nothing = estimated_seconds([])
    one = estimated_seconds([convolution(16)]) - nothing
    assert 0 < one == pytest.approx(estimated_seconds([convolution(16)] * 9) - nothing)
    assert estimated_seconds([convolution(16), convolution(32)]) - nothing == pytest.approx(2 * one)
    few = [estimated_seconds([convolution(8, size)]) for size in (1, 3, 5, 9, 11)]
    assert nothing + one < few[0] < few[1] < few[2] < few[3]
    assert few[4] < few[0]  # loops over its taps


def test_the_bound_is_where_the_estimate_says():
    kernels = [convolution(16 * number) for number in range(1, 100)]
    allowed = max(count for count in range(100) if estimated_seconds(kernels[:count]) <= MOST_SECONDS)
    check_first_use(network("pool"), kernels[:allowed])
    with pytest.raises(
        ArchitectureError, match=f"^pool: its layers need {allowed + 1} different kernels, which take about 10"
    ):
        check_first_use(network("pool"), kernels[: allowed + 1])


@pytest.mark.parametrize(
    "word",
    [
        "-".join([*["conv64-bn-relu"] * 2, "pool", *["conv128-bn-relu"] * 2, "pool", *["conv256-bn-relu"] * 3, "pool",
                  *["conv512-bn-relu"] * 3, "pool", *["conv512-bn-relu"] * 3, "pool-dense4096-relu-dense4096-relu"]),
        "-".join(["conv64-bn-relu-pool", *["res64"] * 3, "res128s2", *["res128"] * 3, "res256s2", *["res256"] * 22,
                  "res512s2", *["res512"] * 2, "gap"]),
        "-".join(["conv64-bn-relu-conv64-bn-relu", *["pool-conv128-bn-relu-conv128-bn-relu"] * 3]),
        "conv20-bn-relu-conv20-bn-relu-pool-conv40-bn-relu-conv40-bn-relu-pool-conv72-bn-relu-conv72-bn-relu-pool-conv100-bn",
        "conv20-bn-relu-res20-res40s2-res72s2-res100s2-gap",
        "conv6k5-relu-pool-conv16k5v-relu-pool-dense120-relu-dense84-relu",
    ],
    ids=["VGG-16", "ResNet-66", "eight", "eight odd", "residual", "LeNet-5"],
)  # fmt: skip
def test_the_networks_that_people_know_are_allowed(word):
    memory._check_kernels(network(word), (64, 64, 3), (True, False))


@pytest.mark.parametrize("shape", [(28, 28, 1), (96, 96, 3), (33, 200, 3)])
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_recipes_are_allowed(recipe, shape):
    memory._check_kernels(network(recipe.architecture(shape)), shape, (True, False))
