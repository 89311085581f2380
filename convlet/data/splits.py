"""Stratified splits and subsets: every class keeps its share, and the same images are chosen every time.

The choice depends on the labels and on a fixed key alone, never on a training's seed, so runs with different
seeds are measured on the same images.
"""

from __future__ import annotations

import numpy as np

from convlet import random
from convlet.data.dataset import Array
from convlet.errors import DataError

SEED = 0
VALIDATION, TEST, SUBSET = range(3)
"""Streams of random numbers: one for each choice, so that no choice depends on another."""


def shares(counts: Array, total: int) -> Array:
    """How many of each class make up `total`, in proportion, by the largest remainders (Hamilton's method)."""
    exact = counts * (total / counts.sum())
    given = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - given), kind="stable")
    given[order[: total - given.sum()]] += 1
    return np.minimum(given, counts)


def choose(labels: Array, wanted: Array, stream: int) -> Array:
    """Sorted numbers of the images chosen: wanted[k] of class k."""
    order = random.permutation(len(labels), SEED, random.SPLIT, stream)
    chosen = [order[labels[order] == k][:count] for k, count in enumerate(wanted)]
    return np.sort(np.concatenate([*chosen, np.zeros(0, np.int64)]))


def split(labels: Array, classes: int, fraction: float, stream: int) -> tuple[Array, Array]:
    """Numbers of the images kept and of those split off: about `fraction` of each class.

    A class with two images or more has one on each side; one with a single image keeps it.
    """
    counts = np.bincount(labels, minlength=classes)
    wanted = shares(counts, round(fraction * len(labels)))
    if fraction > 0:
        wanted = np.clip(wanted, np.minimum(1, np.maximum(counts - 1, 0)), np.maximum(counts - 1, 0))
    off = choose(labels, wanted, stream)
    kept = np.ones(len(labels), bool)
    kept[off] = False
    return np.flatnonzero(kept), off


def split_groups(labels: Array, groups: Array, classes: int, fraction: float, stream: int) -> tuple[Array, Array]:
    """As `split`, but images of one group stay together.

    groups : (n,) int64; the group of each image

    Groups are taken in a fixed random order as long as each of their classes still wants as many images; a class keeps
    at least one group.
    """
    counts = np.bincount(labels, minlength=classes)
    wanted = shares(counts, round(fraction * len(labels)))
    if fraction > 0:
        wanted = np.clip(wanted, np.minimum(1, np.maximum(counts - 1, 0)), np.maximum(counts - 1, 0))
    number, members = np.unique(groups, return_inverse=True)
    table = np.zeros((len(number), classes), np.int64)  # images of each class in each group
    np.add.at(table, (members, labels), 1)
    left_groups = (table > 0).sum(axis=0)
    chosen = np.zeros(len(number), bool)
    got = np.zeros(classes, np.int64)
    for group in random.permutation(len(number), SEED, random.SPLIT, stream):
        row = table[group]
        there = row > 0
        # a class that got nothing yet takes one group too large for it, if another group is left to train on
        fits = (got[there] + row[there] <= np.maximum(wanted[there], (got[there] == 0) * row[there])).all()
        if fits and (wanted[there] > got[there]).any() and (left_groups[there] > 1).all():
            chosen[group] = True
            got += row
            left_groups -= there
    off = chosen[members]
    return np.flatnonzero(~off), np.flatnonzero(off)


def subset(labels: Array, classes: int, total: int) -> Array:
    """Numbers of `total` images in which every class has its share, at least one.

    Raises
    ------
    DataError : more images than there are, or fewer than classes
    """
    counts = np.bincount(labels, minlength=classes)
    present = np.count_nonzero(counts)
    if total > len(labels):
        raise DataError(
            f"--train-images {total}: there are only {len(labels)} training images; ask for at most that many"
        )
    if total < present:
        raise DataError(f"--train-images {total}: there are {present} classes; ask for at least one image of each")
    wanted = np.maximum(shares(counts, total), np.minimum(counts, 1))
    while wanted.sum() > total:
        wanted[np.argmax(wanted)] -= 1
    return choose(labels, wanted, SUBSET)
