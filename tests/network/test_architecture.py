"""Architecture words: every token, there and back; the head; what inspect shows."""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from convlet.errors import ArchitectureError
from convlet.layers import (
    GELU,
    AvgPool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Tanh,
)
from convlet.network.costs import describe
from convlet.network.word import HEAD_GAIN, RULES, TOKEN_LIMIT, format_word, parse, with_head, without_head

TOKENS = {
    "conv16": Conv(16),
    "conv16k5": Conv(16, 5),
    "conv16s2": Conv(16, 3, 2),
    "conv16v": Conv(16, padding="valid"),
    "conv16k5s2": Conv(16, 5, 2),
    "conv16k5v": Conv(16, 5, padding="valid"),
    "conv16s2v": Conv(16, 3, 2, "valid"),
    "conv16k5s2v": Conv(16, 5, 2, "valid"),
    "pool": MaxPool(2),
    "pool3": MaxPool(3),
    "pool3s2": MaxPool(3, 2),
    "avgpool": AvgPool(2),
    "avgpool3": AvgPool(3),
    "avgpool3s2": AvgPool(3, 2),
    "gap": GlobalAvgPool(),
    "relu": ReLU(),
    "leakyrelu": LeakyReLU(),
    "leakyrelu0.2": LeakyReLU(0.2),
    "tanh": Tanh(),
    "sigmoid": Sigmoid(),
    "gelu": GELU(),
    "silu": SiLU(),
    "bn": BatchNorm(),
    "bne0.001": BatchNorm(0.001),
    "bnm0.99": BatchNorm(momentum=0.99),
    "bne0.001m0.99": BatchNorm(0.001, 0.99),
    "dropout0.5": Dropout(0.5),
    "dense128": Dense(128),
    "res16": Residual(16),
    "res16s2": Residual(16, 2),
    "flatten": Flatten(),
}


@pytest.mark.parametrize("token", TOKENS)
def test_each_token_there_and_back(token):
    assert parse(token) == Sequential([TOKENS[token]])
    assert TOKENS[token].token() == token


def test_all_tokens_are_here_and_each_belongs_to_one_rule():
    assert [example for rule in RULES for example in rule.examples] == list(TOKENS)
    for token in TOKENS:
        assert sum(rule.read(token) is not None for rule in RULES) == 1


def test_words_of_the_design():
    assert parse("conv8-relu-pool-conv8-relu-pool") == Sequential(
        [Conv(8), ReLU(), MaxPool(), Conv(8), ReLU(), MaxPool()]
    )
    assert parse("conv16v-tanh-dropout0.5-conv32v-tanh-dropout0.5").output_shape((28, 28, 1)) == (24, 24, 32)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("conv8k3s1", "conv8"),
        ("pool2s2", "pool"),
        ("pool3s3", "pool3"),
        ("pool2s1", "pool2s1"),
        ("dropout0.50", "dropout0.5"),
        ("dropout0", "dropout0"),
        ("leakyrelu0.01", "leakyrelu"),
        ("leakyrelu0", "leakyrelu0"),
        ("bne0.00001m0.9", "bn"),
        ("bnm0", "bnm0"),
        ("res8s1", "res8"),
        ("conv08", "conv8"),
    ],
)
def test_each_layer_is_written_in_one_way(written, plain):
    assert format_word(parse(written)) == plain


tokens = st.one_of(
    st.builds(Conv, st.integers(1, 4096), st.integers(1, 63), st.integers(1, 63), st.sampled_from(["same", "valid"])),
    st.builds(MaxPool, st.integers(1, 63), st.none() | st.integers(1, 63)),
    st.builds(AvgPool, st.integers(1, 63), st.none() | st.integers(1, 63)),
    st.builds(LeakyReLU, st.just(0.0) | st.floats(1e-6, 1, exclude_max=True)),
    st.builds(Dropout, st.just(0.0) | st.floats(1e-6, 1, exclude_max=True)),
    st.builds(
        BatchNorm,
        st.floats(1e-8, 1, exclude_max=True),
        st.just(0.0) | st.floats(1e-6, 1, exclude_max=True),
    ),
    st.builds(Dense, st.integers(1, 65536)),
    st.builds(Residual, st.integers(1, 4096), st.integers(1, 63)),
    st.sampled_from([GlobalAvgPool(), ReLU(), Tanh(), Sigmoid(), GELU(), SiLU(), Flatten()]),
)


@given(st.lists(tokens, min_size=1, max_size=8).map(Sequential))
@example(Sequential([BatchNorm(1.2345678901234567e-8, 1.2345678901234567e-6)]))
def test_every_network_comes_back_from_its_word(network):
    word = format_word(network)
    assert parse(word) == network
    assert format_word(parse(word)) == word
    assert max(map(len, word.split("-"))) <= TOKEN_LIMIT


def test_a_network_too_long_to_be_read_again_is_not_written():
    with pytest.raises(ArchitectureError) as caught:
        format_word(Sequential([ReLU()] * 401))
    assert str(caught.value) == (
        "an architecture may have 2000 characters, but this network's has 2004: "
        "'relu-relu-relu-relu-relu-relu-relu-relu-relu-relu-relu-re...'"
    )


def test_the_head_is_flatten_and_dense():
    assert with_head(parse("conv8-pool"), 10).layers == (Conv(8), MaxPool(), Flatten(), Dense(10, HEAD_GAIN))
    for flat in ("gap", "conv8-gap-relu", "dense5-bn", "flatten"):
        network = with_head(parse(flat), 10)
        assert network.layers == (*parse(flat).layers, Dense(10, HEAD_GAIN))
        assert network.output_shape((4, 4, 1)) == (10,)


@given(st.lists(tokens, min_size=1, max_size=5).map(Sequential))
def test_the_head_comes_off_again(network):
    once = with_head(network, 7)
    body = without_head(once)
    assert with_head(body, 7) == with_head(without_head(with_head(body, 7)), 7)
    assert [layer for layer in body.layers if layer != Flatten()] == [
        layer for layer in network.layers if layer != Flatten()
    ]


@pytest.mark.parametrize(
    ("layers", "word"),
    [
        ([Conv(8), Dense(10)], "conv8"),
        ([Conv(8), Flatten(), Dense(10)], "conv8"),
        ([Conv(8), Flatten(), Flatten(), Dense(10)], "conv8"),
        ([Dense(10)], "flatten"),
        ([Flatten(), Dense(10)], "flatten"),
        ([Dense(5), Dense(10)], "dense5"),
        ([Flatten(), ReLU(), Dense(10)], "flatten-relu"),
    ],
)
def test_a_network_with_its_own_head_has_a_word_that_means_the_same(layers, word):
    network = Sequential(layers)
    assert format_word(without_head(network)) == word
    again = with_head(parse(word), 10)
    shapes, shapes_again = network.parameter_shapes((4, 4, 1)), again.parameter_shapes((4, 4, 1))
    assert list(shapes.values()) == list(shapes_again.values())


def test_a_network_without_a_head_is_refused():
    with pytest.raises(ArchitectureError) as caught:
        without_head(parse("conv8-relu"))
    assert str(caught.value) == (
        "a network must end in a dense layer with one unit per class, but ends in relu; "
        "add Dense(classes) or use with_head"
    )


def test_more_pooling_than_pixels_names_the_token_and_the_shape():
    network = with_head(parse("conv8-relu-pool-pool-pool-pool"), 10)
    with pytest.raises(ArchitectureError) as caught:
        network.output_shape((8, 8, 1))
    assert str(caught.value) == (
        "layer 6 (pool): needs at least 2x2 pixels, but got 1x1 of shape 1x1x8; "
        "pool less before it or use larger images"
    )
    with pytest.raises(ArchitectureError):
        describe(network, (8, 8, 1))


def test_describe_by_hand():
    rows = describe(with_head(parse("conv8-relu-pool"), 10), (28, 28, 1))
    values = [tuple(row.values()) for row in rows]
    assert list(rows[0]) == [
        *("token", "kind", "output_shape", "parameters", "activation_bytes", "multiply_adds"),
    ]
    assert values == [
        ("conv8", "conv", (28, 28, 8), 80, 25088, 56448),
        ("relu", "relu", (28, 28, 8), 0, 25088, 0),
        ("pool", "max_pool", (14, 14, 8), 0, 6272, 0),
        ("flatten", "flatten", (1568,), 0, 6272, 0),
        ("dense10", "dense", (10,), 15690, 40, 15680),
    ]
    assert sum(row["parameters"] for row in rows) == 15770


def test_describe_counts_what_is_inside_a_residual_block():
    (row,) = describe(parse("res4s2"), (6, 6, 2))
    assert row["output_shape"] == (3, 3, 4)
    assert row["activation_bytes"] == 4 * 3 * 3 * 4 * (5 + 2 + 1)
    assert row["multiply_adds"] == 9 * (9 * 2 * 4 + 9 * 4 * 4 + 2 * 4)
    assert row["parameters"] == sum(map(prod, Residual(4, 2).parameter_shapes((6, 6, 2)).values()))
