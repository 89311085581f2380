"""The figures beside the error that tell whether it is good: from a confusion matrix, rows the true class."""

from __future__ import annotations

from math import comb

import numpy as np

from convlet.records.evaluation import Counted, Headline

FEWEST = 20
"""Test images below which only the number of wrong ones is given: the 95 % interval of 0 wrong of 19 reaches 17 %."""

UNEVEN = 1.5
"""Classes are uneven if the largest has at least so many times the images of the smallest."""

CHANCE = 0.05
"""A difference to the baseline that chance alone gives this often, or more often, is no difference."""


def headline(matrix: list[list[int]], names: tuple[str, ...] | list[str]) -> Headline:
    """Accuracy, balanced accuracy, macro averages, the baseline and the worst class.

    balanced accuracy = mean of the recalls,  recall = right / images of the class
    macro precision = mean of the precisions, precision = right / predicted as the class, 0 if nothing is
    macro F1 = mean of 2 right / (images of the class + predicted as the class)

    Means are over the classes with test images. The baseline always names the class with most test images.

    Returns
    -------
    images, wrong : counts
    accuracy, balanced_accuracy, balanced_error, macro_precision, macro_recall, macro_f1 : None if `too_few`
    baseline : "class", "error" and "balanced_error" of always naming the most frequent class; None if `too_few`
    worst : "class", "recall" and "images" of the class with the lowest recall; None if `too_few`
    uneven : whether classes differ much in their images, see UNEVEN
    better_than_baseline : whether the error is significantly lower than the baseline's (sign test); None if `too_few`
    absent : classes without a test image
    too_few : whether there are fewer than FEWEST test images
    """
    counts = np.array(matrix, np.int64)
    right, of_it, named = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    there = np.flatnonzero(of_it)
    images, wrong = int(counts.sum()), int(counts.sum() - right.sum())
    counted: Counted = {
        "images": images,
        "wrong": wrong,
        "uneven": bool(len(there)) and bool(of_it.max() >= UNEVEN * of_it.min()),
        "absent": [names[k] for k in np.flatnonzero(of_it == 0)],
    }
    if images < FEWEST:
        return {
            **counted,
            "too_few": True,
            "accuracy": None,
            "balanced_accuracy": None,
            "balanced_error": None,
            "macro_precision": None,
            "macro_recall": None,
            "macro_f1": None,
            "baseline": None,
            "worst": None,
            "better_than_baseline": None,
        }
    recalls = right[there] / of_it[there]
    precisions = right[there] / np.maximum(named[there], 1)
    most, worst = int(of_it.argmax()), int(there[recalls.argmin()])
    balanced = float(recalls.mean())
    return {
        **counted,
        "too_few": False,
        "accuracy": 1 - wrong / images,
        "balanced_accuracy": balanced,
        "balanced_error": 1 - balanced,
        "macro_precision": float(precisions.mean()),
        "macro_recall": balanced,
        "macro_f1": float((2 * right[there] / (of_it[there] + named[there])).mean()),
        "baseline": {
            "class": names[most],
            "error": 1 - int(of_it[most]) / images,
            "balanced_error": 1 - 1 / len(there),
        },
        "worst": {"class": names[worst], "recall": float(recalls.min()), "images": int(of_it[worst])},
        "better_than_baseline": _is_better(int(right.sum() - right[most]), int(of_it[most] - right[most])),
    }


def _is_better(only_model: int, only_baseline: int) -> bool:
    """Whether the model is right significantly more often where just one of the two is: one-sided exact sign test.

    p = sum over k >= only_model of C(n, k) / 2^n,   n = only_model + only_baseline
    """
    n = only_model + only_baseline
    if only_model <= only_baseline:
        return False
    if n > MOST_EXACT:  # the normal approximation, with 1.645 deviations for 5 %
        return bool(only_model - n / 2 > 1.645 * n**0.5 / 2)
    return sum(comb(n, k) for k in range(only_model, n + 1)) < CHANCE * 2**n


MOST_EXACT = 1_000
"""Images up to which the test is exact."""
