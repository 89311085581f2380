"""Every row of the registry against its slow version in `naive`, over shapes, strides, starts and finishes."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.kernels.compiler.machine_code import caller
from convlet.kernels.registry import ROWS
from tests.kernels import naive
from tests.kernels.harness import run

AUGMENTATIONS = [
    *("flip", "flipalt", "rotate180", "zoom0.5", "elastic2", "brightness0.5", "contrast0.5", "erase0.5", "cutmix0.5"),
    "flip-shift3-rotate30-zoom0.2-elastic1.5-brightness0.2-contrast0.3-erase0.2-cutmix0.7",
]

CASES = [(row.name, {}) for row in ROWS] + [
    ("conv", {"channels": 1, "filters": 8, "width": 28}),
    ("conv", {"channels": 8, "filters": 8, "height": 4, "width": 3, "finish": "plain"}),
    ("conv", {"channels": 5, "filters": 33, "start": "zero", "finish": "mask"}),
    ("conv", {"channels": 16, "filters": 70, "size": 2, "start": "load"}),
    ("conv", {"channels": 2, "filters": 1, "size": 5, "stride": 2}),
    ("conv", {"channels": 4, "filters": 40, "size": 1, "stride": 3, "height": 1, "width": 1}),
    ("conv", {"channels": 2, "filters": 6, "width": 29, "height": 5}),
    ("conv", {"filters": 3, "width": 1, "height": 1, "start": "load", "finish": "mask"}),
    ("conv", {"channels": 16, "filters": 6, "size": 5, "width": 15, "start": "load", "finish": "plain"}),
    ("conv", {"filters": 8, "stride": 2, "width": 16, "start": "zero", "finish": "mask"}),
    ("pooled_conv", {"filters": 8, "width": 28}),
    ("pooled_conv", {"filters": 5, "width": 14, "height": 2, "finish": "plain"}),
    ("pooled_conv", {"filters": 7, "width": 2, "stride": 2}),
    ("pooled_conv", {"filters": 16, "width": 28}),
    ("pooled_conv", {"filters": 40, "width": 10, "size": 5, "finish": "plain"}),
    ("pooled_conv", {"filters": 21, "width": 2, "height": 2, "stride": 3}),
    ("winograd", {"height": 8, "width": 10, "channels": 48, "filters": 80}),
    ("winograd", {"height": 13, "width": 9, "start": "load", "finish": "mask"}),
    ("winograd", {"height": 8, "width": 9, "start": "zero", "finish": "plain"}),
    ("winograd", {"height": 31, "width": 32, "channels": 64, "finish": "plain", "start": "load"}),
    ("winograd", {"height": 8, "width": 12, "pooled": True}),
    ("winograd", {"height": 32, "width": 32, "filters": 48, "pooled": True, "finish": "plain"}),
    ("winograd_filters", {"channels": 33, "filters": 32}),
    ("winograd_filter_gradient", {"height": 7, "width": 7, "channels": 48, "filters": 80}),
    ("winograd_filter_gradient", {"height": 9, "width": 12, "channels": 64, "filters": 32}),
    ("winograd_filter_gradient", {"height": 33, "width": 32}),
    ("conv_filter_gradient", {"channels": 1, "filters": 8, "size": 5}),
    ("conv_filter_gradient", {"channels": 16, "filters": 35}),
    ("conv_filter_gradient", {"channels": 40, "filters": 6, "size": 2, "stride": 2}),
    ("conv_filter_gradient", {"channels": 9, "filters": 16, "size": 3, "height": 1, "width": 1}),
    ("pooled_filter_gradient", {"channels": 1, "filters": 8, "width": 28}),
    ("pooled_filter_gradient", {"filters": 16, "size": 2, "stride": 2}),
    ("pooled_filter_gradient", {"channels": 1, "filters": 38, "size": 5, "width": 2, "height": 2}),
    ("conv", {"channels": 2, "filters": 5, "size": 10, "stride": 2}),  # loops over taps from 10 on
    ("conv", {"channels": 1, "filters": 24, "size": 31, "height": 3, "width": 4, "finish": "mask"}),
    ("pooled_conv", {"channels": 1, "filters": 7, "size": 11}),
    ("conv_filter_gradient", {"channels": 1, "filters": 3, "size": 31}),  # one tile in a loop
    ("conv_filter_gradient", {"channels": 301, "filters": 18, "size": 2}),
    ("pooled_filter_gradient", {"channels": 1, "filters": 18, "size": 17}),
    ("pooled_filter_gradient", {"channels": 53, "filters": 3, "size": 3}),
    ("dense", {"units": 70, "start": "zero", "finish": "plain"}),
    ("dense", {"units": 24, "rows": 3, "start": "load"}),
    ("dense", {"images": 1, "inputs": 100, "units": 3, "finish": "relu"}),
    ("dense_filter_gradient", {"units": 84, "inputs": 5}),
    ("dense_filter_gradient", {"images": 1, "units": 128}),
    *(("pack", {"size": 1, "inputs": i, "units": u}) for i, u in ((1, 40), (16, 1), (33, 32), (64, 70))),
    *((name, {"window": (3, 3), "stride": 2}) for name in ("max_pool", "average_pool")),
    *((name, {"window": (7, 9), "stride": 9}) for name in ("max_pool", "average_pool")),
    *((name, {"window": (2, 2), "stride": 3}) for name in ("max_pool", "average_pool_gradient")),
    *(
        (name, {"window": window, "stride": 17})
        for name in ("max_pool", "max_pool_gradient")
        for window in ((16, 16), (17, 17), (63, 63))
    ),
    ("max_pool_gradient", {"window": (3, 3), "stride": 1, "masked": False}),
    ("average_pool_gradient", {"window": (3, 3), "stride": 2}),
    *((name, {"function": f}) for f in naive.FUNCTIONS for name in ("activate", "activate_gradient")),
    ("softmax_cross_entropy", {"size": 200.0}),
    ("softmax_cross_entropy", {"classes": 8, "size": 3e37}),
    ("softmax_cross_entropy", {"classes": 9, "smoothing": 0.2}),
    *((name, {"mixed": True, "smoothing": s}) for name in ("softmax_cross_entropy",) for s in (0.0, 0.1)),
    *(("augment_bytes", {"word": word}) for word in AUGMENTATIONS),
    *(("augment_bytes", {"word": AUGMENTATIONS[-1], "size": size}) for size in ((8, 12, 3), (1, 5, 1), (30, 30, 2))),
    *(("augment_floats", {"word": word, "size": (6, 6, 3)}) for word in ("flip", AUGMENTATIONS[-1])),
    ("augment_bytes", {"word": "flipalt-shift1", "epoch": 4}),
    ("sgd", {"nesterov": True}),
    ("adam", {"decoupled": True}),
]  # fmt: skip


ROUNDING = {"augment_bytes": 1e-5, "augment_floats": 1e-5}
"""Where it is more than usual: a place near pixel 30 is known to 2^-19, and pixels beside each other differ by up to 255."""


def check(expected, tolerance=2e-6):
    for came, wanted in expected:
        wanted = np.asarray(wanted, np.float64)
        scale = np.abs(wanted).max() + 1e-30
        np.testing.assert_allclose(came / scale, wanted / scale, atol=tolerance)


@pytest.mark.parametrize(("name", "options"), CASES, ids=lambda value: str(value))
def test_a_kernel_equals_its_slow_version(name, options):
    case = getattr(naive, name)(np.random.default_rng(1), **options)
    if len(case) == 5:  # a kernel that is given something else than operands
        kernel, task, own, expected, _kept = case
        caller(kernel)(task.ctypes.data, own.ctypes.data)
    else:
        kernel, operands, fields, expected = case
        run(kernel, operands, **fields)
    check(expected, ROUNDING.get(name, 2e-6))


def test_the_check_notices_an_error_of_a_thousandth():
    kernel, operands, fields, expected = naive.conv(np.random.default_rng(1))
    run(kernel, operands, **fields)
    came, wanted = expected[0]
    wrong = came.copy()
    wrong[0, 2, 3, 4] += np.abs(wanted).max() * 1e-3
    with pytest.raises(AssertionError):
        check([(wrong, wanted)])


def test_every_case_names_a_kernel():
    assert {name for name, _ in CASES} - {"pooled_conv"} == {row.name for row in ROWS}
