"""Random numbers: the published test vectors, the counter rule, and the shape of the distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from convlet import random
from convlet.errors import SettingsError

# Counter, key and result of philox4x32-10 from `kat_vectors` of Random123, the authors' own library.
KNOWN_ANSWERS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]

RECORDED_WORDS = [0xE6073E71, 0x917B936F, 0xA96F6ABC, 0x86F6864C]
RECORDED_ORDER = [2, 3, 7, 6, 5, 4, 0, 1]
RECORDED_SEEDS = [3386468040875078, 2221348198339750, 1261082562690373, 7432501221254793]
RECORDED_NORMALS = ["-0x1.aeb5b80000000p-2", "-0x1.8a1e060000000p-3", "-0x1.ca632c0000000p-1"]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_philox_gives_the_published_answers(counter, key, answer):
    result = random.philox(tuple(np.array([c]) for c in counter), key)
    assert result.dtype == np.uint32
    assert result.tolist() == [list(answer)]


def test_words_follow_the_counter_rule():
    seed = 0x299F31D0_A4093822
    drawn = random.words(11, seed=seed, purpose=3, stream=7, epoch=5, position=9)
    for e in range(11):
        counter = tuple(np.array(c) for c in (e // 4, 9, 5, 3 << 16 | 7))
        assert drawn[e] == random.philox(counter, (0xA4093822, 0x299F31D0))[e % 4]


def test_words_do_not_depend_on_how_many_are_drawn():
    many = random.words(1000, seed=1, purpose=random.SHUFFLE)
    assert np.array_equal(random.words(3, seed=1, purpose=random.SHUFFLE), many[:3])
    assert random.words(0, seed=1, purpose=random.SHUFFLE).shape == (0,)


@pytest.mark.parametrize(
    "other",
    [{"seed": 2}, {"seed": 1 + 2**32}, {"purpose": 4}, {"stream": 1}, {"epoch": 1}, {"position": 1}],
)
def test_each_part_of_the_counter_gives_other_words(other):
    base = {"seed": 1, "purpose": 3, "stream": 0, "epoch": 0, "position": 0}
    assert not np.any(random.words(64, **base) == random.words(64, **(base | other)))


def test_uniform_is_the_top_24_bits_of_each_word():
    drawn = random.words(24, seed=5, purpose=1, position=2)
    numbers = random.uniform((2, 3, 4), seed=5, purpose=1, position=2)
    assert numbers.dtype == np.float32
    assert numbers.ravel().tolist() == [(int(w) >> 8) / 2**24 for w in drawn]


def test_uniform_of_images_is_uniform_at_each_position():
    positions = np.array([4, 0, 70000])
    together = random.uniform_images(positions, (3, 5), seed=8, purpose=random.DROPOUT, stream=2, epoch=3)
    assert together.shape == (3, 3, 5)
    for row, position in zip(together, positions, strict=True):
        alone = random.uniform((3, 5), seed=8, purpose=random.DROPOUT, stream=2, epoch=3, position=int(position))
        assert np.array_equal(row, alone)


def test_uniform_numbers_are_even_over_the_unit_interval():
    numbers = random.uniform((100_000,), seed=0, purpose=random.AUGMENT)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    counts, _ = np.histogram(numbers, bins=20, range=(0, 1))
    # chi-square with 19 degrees of freedom; 0.001 of all seeds would exceed 43.8
    assert np.sum((counts - 5000.0) ** 2 / 5000.0) < 43.8


def test_normal_is_box_muller_on_pairs_of_words():
    drawn = random.words(8, seed=3, purpose=1, stream=4)
    numbers = random.normal((7,), seed=3, purpose=1, stream=4)
    assert numbers.dtype == np.float32
    for i in range(4):
        radius = math.sqrt(-2 * math.log((int(drawn[2 * i]) + 0.5) / 2**32))
        angle = 2 * math.pi * int(drawn[2 * i + 1]) / 2**32
        assert numbers[2 * i] == pytest.approx(radius * math.cos(angle), rel=1e-7, abs=1e-12)
        if i < 3:
            assert numbers[2 * i + 1] == pytest.approx(radius * math.sin(angle), rel=1e-7, abs=1e-12)


def test_normal_numbers_have_the_moments_of_a_normal_distribution():
    numbers = random.normal((400, 500), seed=11, purpose=random.INITIAL).astype(np.float64)
    assert abs(numbers.mean()) < 4 / math.sqrt(numbers.size)
    assert abs(numbers.var() - 1) < 4 * math.sqrt(2 / numbers.size)
    assert abs(np.mean(np.abs(numbers) > 1.959964) - 0.05) < 0.002
    assert abs(np.mean(numbers[:, ::2] * numbers[:, 1::2])) < 0.02


def test_logarithm_and_circle_agree_with_the_library_functions():
    x = np.concatenate([(np.arange(5000) + 0.5) / 5000, [2.0**-33, 0.5**0.5, 1 - 2.0**-33, 0.5, 1.0]])
    np.testing.assert_allclose(random._log(x), np.log(x), rtol=1e-14, atol=1e-16)
    turns = np.arange(0, 2**32, 2**20 - 1, dtype=np.uint32)
    cosine, sine = random._circle(turns)
    angle = 2 * np.pi * (turns / 2.0**32)
    np.testing.assert_allclose(cosine, np.cos(angle), atol=4e-15)
    np.testing.assert_allclose(sine, np.sin(angle), atol=4e-15)


def test_permutation_holds_every_number_once_and_changes_with_the_epoch():
    first = random.permutation(1000, 0, random.SHUFFLE, epoch=0)
    assert first.dtype == np.int64
    assert sorted(first.tolist()) == list(range(1000))
    assert np.array_equal(first, random.permutation(1000, 0, random.SHUFFLE, epoch=0))
    assert not np.array_equal(first, random.permutation(1000, 0, random.SHUFFLE, epoch=1))
    assert random.permutation(0, 0, random.SHUFFLE).tolist() == []


def test_permutation_sorts_by_two_words_per_number():
    drawn = random.words(40, seed=6, purpose=4, stream=1)
    order = [(int(drawn[2 * i]) << 32) | int(drawn[2 * i + 1]) for i in range(20)]
    expected = sorted(range(20), key=order.__getitem__)
    assert random.permutation(20, 6, 4, stream=1).tolist() == expected


def test_a_permutation_drawn_in_parts_is_the_whole_one(monkeypatch):
    whole = random.permutation(103, 6, 4)
    monkeypatch.setattr(random, "DRAWN_TOGETHER", 16)
    assert random.permutation(103, 6, 4).tolist() == whole.tolist()


def test_known_numbers_stay_as_they_are():
    """A change here changes every trained model: it needs a new numerics version."""
    assert random.words(4, seed=0, purpose=1).tolist() == RECORDED_WORDS
    assert random.permutation(8, 0, random.SHUFFLE).tolist() == RECORDED_ORDER
    assert [float(x).hex() for x in random.normal((3,), seed=0, purpose=1)] == RECORDED_NORMALS


def test_initial_draws_take_a_new_stream_each_time():
    draws = random.InitialDraws(9)
    first, second, third = draws.normal((2, 3)), draws.normal((2, 3)), draws.uniform((4,))
    assert np.array_equal(first, random.normal((2, 3), seed=9, purpose=random.INITIAL, stream=0))
    assert np.array_equal(second, random.normal((2, 3), seed=9, purpose=random.INITIAL, stream=1))
    assert np.array_equal(third, random.uniform((4,), seed=9, purpose=random.INITIAL, stream=2))


@pytest.mark.parametrize("seed", [0, 1, 2**53, 2**64 - 1])
def test_the_first_of_several_trainings_keeps_the_seed(seed):
    assert random.derived_seed(seed, random.REPEAT, 0) == random.derived_seed(seed, random.MEMBER, 0) == seed


def test_no_two_trainings_of_neighbouring_seeds_repeats_and_members_share_a_seed():
    seeds = [*range(50), *range(2**64 - 50, 2**64)]
    trainings = [
        random.derived_seed(random.derived_seed(seed, random.REPEAT, repeat), random.MEMBER, member)
        for seed in seeds
        for repeat in range(5)
        for member in range(5)
    ]
    assert len(set(trainings)) == len(trainings) == 2500


def test_derived_seeds_stay_as_they_are_and_are_exact_in_any_json_reader():
    """A change here changes every ensemble and repeat: it needs a new numerics version."""
    derived = [
        random.derived_seed(7, purpose, number) for purpose in (random.REPEAT, random.MEMBER) for number in (1, 2)
    ]
    assert derived == RECORDED_SEEDS
    assert all(0 <= random.derived_seed(seed, random.MEMBER, 1) < 2**53 for seed in range(200))


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_outside_64_bits_is_refused(seed):
    with pytest.raises(SettingsError) as caught:
        random.words(1, seed=seed, purpose=1)
    assert str(caught.value) == f"seed must be from 0 to 2**64 - 1, but got {seed}"
