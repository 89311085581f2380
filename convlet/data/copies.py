"""Copies among images, and groups that belong together: neither may stand on both sides of a split."""

from __future__ import annotations

import hashlib

import numpy as np

from convlet.data.dataset import Array


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


def common(images: Array, others: Array) -> Array:
    """Which of `images` are equal to one of `others`, (n,) bool."""
    known = {_mark(image) for image in others}
    return np.array([_mark(image) in known for image in images], bool)


def _mark(image: Array) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
