"""Copies among images, and groups that belong together: neither may stand on both sides of a split."""

from __future__ import annotations

import hashlib

import numpy as np

from convlet.data.dataset import Array

MOST_TOGETHER = 16
"""Near copies of one picture. In a larger chain the pictures are alike by nature, such as frames of a film."""

LEAST_GROUPS = 5
"""Groups of a class: with fewer, a split could not give each part one."""


def numbers(images: Array, groups: Array | None = None) -> tuple[Array | None, int]:
    """The group of each image, (n,) int64, None if each image stands alone; and how many images are copies of others.

    groups : (n,) object, a name or None for each image
    """
    first: dict[bytes, int] = {}
    same = np.array([first.setdefault(_mark(image), number) for number, image in enumerate(images)], np.int64)
    copies = len(images) - len(first)
    if groups is None:
        return (same if copies else None), copies
    parent = list(range(len(images)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    named: dict[object, int] = {}
    for number in range(len(images)):
        parent[root(number)] = root(int(same[number]))
        if groups[number] is not None:
            parent[root(number)] = root(named.setdefault(groups[number], number))
    return np.array([root(number) for number in range(len(images))], np.int64), copies


def believed(pairs: Array, labels: Array, numbers: Array) -> Array:
    """The pairs of near copies that are copies indeed: (k, 2), of (m, 2).

    Pictures of one thing on one spot are alike by nature. So a class keeps no pair if fewer than LEAST_GROUPS groups
    would be left of it, and more than MOST_TOGETHER images (exact copies counted once) never form a group.

    labels, numbers : (n,) int64, the class and the group of each image
    """
    pairs = pairs[numbers[pairs[:, 0]] != numbers[pairs[:, 1]]]
    joined = _components(numbers[pairs], len(numbers))[numbers]
    single = np.unique(numbers)
    sizes = np.bincount(joined[single], minlength=len(numbers))
    pairs = pairs[sizes[joined[pairs[:, 0]]] <= MOST_TOGETHER]
    joined = _components(numbers[pairs], len(numbers))[numbers]
    few = [label for label in np.unique(labels) if len(np.unique(joined[labels == label])) < LEAST_GROUPS]
    return pairs[~np.isin(labels[pairs[:, 0]], few)]


def join(numbers: Array | None, images: int, pairs: Array) -> tuple[Array | None, int]:
    """The groups of so many images with the near copies in one, and how many groups fewer these are."""
    if not len(pairs):
        return numbers, 0
    before = np.arange(images) if numbers is None else numbers
    after = _components(before[pairs], images)[before]
    return after, len(np.unique(before)) - len(np.unique(after))


def _components(pairs: Array, count: int) -> Array:
    """For each number below `count` the component that it is in if these pairs are joined."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    found: Array = connected_components(graph, directed=False)[1].astype(np.int64)
    return found


def common(images: Array, others: Array) -> Array:
    """Which of `images` are equal to one of `others`, (n,) bool."""
    known = {_mark(image) for image in others}
    return np.array([_mark(image) in known for image in images], bool)


def _mark(image: Array) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
