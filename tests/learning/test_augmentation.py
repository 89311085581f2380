"""Words of augmentations: what they mean, and what is refused, word for word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlet.errors import SettingsError
from convlet.learning.augmentation import CHANGES, Augmentation, parse_augmentation
from convlet.learning.settings import Settings


def test_a_word_is_what_it_says():
    word = "flip-shift2-rotate10-zoom0.1-elastic1.5-brightness0.2-contrast0.3-erase0.25-cutmix0.5"
    assert parse_augmentation(word) == Augmentation(2, "random", 10, 0.1, 1.5, 0.2, 0.3, 0.25, 0.5)
    assert parse_augmentation(word).word() == word
    assert parse_augmentation("cutmix1-flipalt") == Augmentation(flip="alternate", cutmix=1)
    assert not parse_augmentation("")
    assert parse_augmentation("flip")


@given(st.fixed_dictionaries({}, optional={row.token: st.floats(1e-5, row.largest) for row in CHANGES}))
def test_every_augmentation_has_its_word(numbers):
    made = Augmentation(**{name: int(n) if name == "shift" else n for name, n in numbers.items()})
    assert parse_augmentation(made.word()) == made


@pytest.mark.parametrize("row", CHANGES, ids=lambda row: row.token)
def test_examples_can_be_read(row):
    assert getattr(parse_augmentation(row.example), row.token) > 0


ALL = "flip, flipalt, shift2, rotate10, zoom0.1, elastic1.5, brightness0.2, contrast0.2, erase0.2, cutmix0.5"


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (3, "augment must be a word such as 'shift2-flip', but got 3"),
        ("shfit2", "augment 'shfit2': unknown token 'shfit2'; write it as in 'shift2'"),
        ("shift", "augment 'shift': unknown token 'shift'; write it as in 'shift2'"),
        ("flip-", f"augment 'flip-': unknown token ''; expected {ALL}"),
        ("flipp", "augment 'flipp': unknown token 'flipp'; did you mean 'flip'?"),
        ("mixup0.5", f"augment 'mixup0.5': unknown token 'mixup0.5'; expected {ALL}"),
        ("shift1.5", "augment 'shift1.5': shift takes a whole number, but got 1.5"),
        ("shift0", "augment 'shift0': shift must be above 0 and at most 64, but got 0"),
        ("zoom0.95", "augment 'zoom0.95': zoom must be above 0 and at most 0.9, but got 0.95"),
        ("cutmix2", "augment 'cutmix2': cutmix must be above 0 and at most 1, but got 2"),
        ("flip-flipalt", "augment 'flip-flipalt' says flip twice; say it once"),
        ("shift1-shift2", "augment 'shift1-shift2' says shift twice; say it once"),
    ],
)
def test_what_is_no_augmentation_is_refused(word, text):
    with pytest.raises(SettingsError) as caught:
        Settings(augment=word)
    assert str(caught.value) == text
