"""Words that are refused: every error word for word, suggestions, and words that mean harm."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from convlet.errors import ArchitectureError, InputError
from convlet.network.word import RULES, WORD_LIMIT, format_word, parse


def message(word):
    with pytest.raises(ArchitectureError) as caught:
        parse(word)
    return str(caught.value)


def outcome(word):
    """The network of a word and "", or None and the text of its error; any other exception passes through."""
    try:
        return parse(word), ""
    except ArchitectureError as error:
        return None, str(error)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("covn8-relu", "unknown token 'covn8' at position 1 of 'covn8-relu'; did you mean 'conv8'?"),
        ("conv8-rleu", "unknown token 'rleu' at position 2 of 'conv8-rleu'; did you mean 'relu'?"),
        ("conv", "unknown token 'conv' at position 1 of 'conv'; did you mean 'conv16'?"),
        ("conv8k", "unknown token 'conv8k' at position 1 of 'conv8k'; did you mean 'conv8k5'?"),
        ("Conv8-ReLU", "unknown token 'Conv8' at position 1 of 'Conv8-ReLU'; did you mean 'conv8'?"),
        ("conv8 - relu", "unknown token 'conv8 ' at position 1 of 'conv8 - relu'; did you mean 'conv8'?"),
        ("conv8\n", "unknown token 'conv8\\n' at position 1 of 'conv8\\n'; did you mean 'conv8'?"),
        ("conv٣", "unknown token 'conv٣' at position 1 of 'conv٣'; did you mean 'conv16'?"),
        ("maxpool3", "unknown token 'maxpool3' at position 1 of 'maxpool3'; did you mean 'pool3'?"),
        ("fc64", "unknown token 'fc64' at position 1 of 'fc64'; did you mean 'dense64'?"),
        ("batchnorm", "unknown token 'batchnorm' at position 1 of 'batchnorm'; did you mean 'bn'?"),
        ("swish", "unknown token 'swish' at position 1 of 'swish'; did you mean 'silu'?"),
        (
            "dropout.25",
            "unknown token 'dropout.25' at position 1 of 'dropout.25'; did you mean 'dropout0.25'?",
        ),
        ("dropout", "unknown token 'dropout' at position 1 of 'dropout'; did you mean 'dropout0.5'?"),
        ("conv8vs2", "unknown token 'conv8vs2' at position 1 of 'conv8vs2'; did you mean 'conv8s2'?"),
        (
            "conv8-xyz",
            "unknown token 'xyz' at position 2 of 'conv8-xyz'; tokens are conv16, pool, avgpool, gap, relu, "
            "leakyrelu, tanh, sigmoid, gelu, silu, bn, dropout0.5, dense128, res16, flatten",
        ),
        (
            "conv8--relu",
            "empty token at position 2 of 'conv8--relu'; join tokens by single hyphens, as in 'conv8-relu-pool'",
        ),
        (
            "relu-",
            "empty token at position 2 of 'relu-'; join tokens by single hyphens, as in 'conv8-relu-pool'",
        ),
        (
            "relu-conv0",
            "token 'conv0' at position 2 of 'relu-conv0': conv filters must be a whole number from 1 to 4096, "
            "but got 0",
        ),
        (
            "conv8k99",
            "token 'conv8k99' at position 1 of 'conv8k99': conv size must be a whole number from 1 to 63, but got 99",
        ),
        (
            "pool3s0",
            "token 'pool3s0' at position 1 of 'pool3s0': pool stride must be a whole number from 1 to 63, but got 0",
        ),
        (
            "avgpool0",
            "token 'avgpool0' at position 1 of 'avgpool0': avgpool size must be a whole number from 1 to 63, but got 0",
        ),
        (
            "dense65537",
            "token 'dense65537' at position 1 of 'dense65537': dense units must be a whole number "
            "from 1 to 65536, but got 65537",
        ),
        (
            "res0s2",
            "token 'res0s2' at position 1 of 'res0s2': res filters must be a whole number from 1 to 4096, but got 0",
        ),
        (
            "dropout1",
            "token 'dropout1' at position 1 of 'dropout1': dropout rate must be a number from 0 to below 1, "
            "and if not 0 at least 0.000001, but got 1.0",
        ),
        (
            "bne2",
            "token 'bne2' at position 1 of 'bne2': bn epsilon must be a number from 0.00000001 to below 1, but got 2.0",
        ),
        ("", "the architecture is an empty word; write tokens as in 'conv8-relu-pool'"),
        (None, "an architecture must be a word such as 'conv8-relu-pool', but got None"),
        (b"conv8", "an architecture must be a word such as 'conv8-relu-pool', but got b'conv8'"),
        (
            "relu-" * 401,
            "an architecture may have 2000 characters, but got 2005: "
            "'relu-relu-relu-relu-relu-relu-relu-relu-relu-relu-relu-re...'",
        ),
    ],
)
def test_errors_point_at_the_token(word, text):
    assert message(word) == text


def test_an_error_is_one_of_input_and_one_line():
    assert issubclass(ArchitectureError, InputError)
    assert "\n" not in message("relu\n\n\nx-" * 100)


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("cnv16", "conv16"),
        ("pol", "pool"),
        ("avgpol3s2", "avgpool3s2"),
        ("rel", "relu"),
        ("leakrelu0.2", "leakyrelu0.2"),
        ("tahn", "tanh"),
        ("sigmod", "sigmoid"),
        ("gleu", "gelu"),
        ("sliu", "silu"),
        ("bnn", "bn"),
        ("droput0.3", "dropout0.3"),
        ("dence32", "dense32"),
        ("ress16s2", "res16s2"),
        ("flaten", "flatten"),
        ("gab", "gap"),
    ],
)
def test_the_nearest_token_is_suggested(slip, meant):
    assert message(slip) == f"unknown token {slip!r} at position 1 of {slip!r}; did you mean {meant!r}?"


def test_a_suggestion_is_never_out_of_range():
    assert "did you mean" not in message("cnv9999")


EXAMPLES = [example for rule in RULES for example in rule.examples]
pieces = st.sampled_from([*EXAMPLES, "conv", "k", "s", "v", "-", "--", "0", "9" * 30, ".", "e", "٣", "\x00", " "])


@given(st.one_of(st.text(), st.lists(pieces, max_size=12).map("".join)))
@example("conv" + "9" * 1990)
@example("0." + "1" * 1900)
@example("-" * WORD_LIMIT)
@example("x" * WORD_LIMIT)
@example("\ud800")
def test_any_text_is_a_network_or_one_clear_error(text):
    network, error = outcome(text)
    if network is not None:
        assert parse(format_word(network)) == network
    else:
        assert error.isprintable()
        assert len(error) < 400


@pytest.mark.parametrize(
    "word", ["-" * 2000, "a-" * 1000, "9" * 2000, "relu-" * 399 + "x", "x" * 10**7, "bn-" * 666 + "bn"]
)
def test_hostile_words_are_answered_at_once(word):
    began = time.process_time()
    network, error = outcome(word)
    assert time.process_time() - began < 0.5
    assert network is not None or len(error) < 400
