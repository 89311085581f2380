"""The figures of a benchmark word for word, at fixed widths."""

from __future__ import annotations

import pytest

from convlet.report.benchmark import print_benchmark
from tests.report.test_tables import shown


def of(seconds, gflops=None, share=None):
    return {"seconds": seconds, "gflops": gflops, "share_of_peak": share}


def layer(name, *passes):
    figures = dict(zip(("forward", "input_gradient", "filter_gradient"), passes, strict=True))
    return {"layer": name} | figures


def result(**more):
    found = {"architecture": "conv8-relu-pool", "input": "28x28x1", "batch": 128, "threads": 2, "shard": 16}
    found |= {"parameters": 15_770, "compile_seconds": 3.14159, "peak_gflops": 530.4}
    found["machine"] = {"processor": "Some CPU"}
    rates = {"images_per_second": 114_285.7, "gflops": 93.42, "share_of_peak": 0.176}
    found["training"] = {"seconds_per_step": 0.00112} | rates
    found["inference"] = {"images": 1000, "seconds_one_image": 76.9e-6} | rates | {"gflops": 7.123}
    found["layers"] = [
        layer("conv8-relu-pool", of(0.00034, 169.4, 0.6382), of(0.000031), of(0.00042, 137.2, 0.52)),
        layer("dense10", of(0.0000111, 117, 0.44), of(0.0000162, 81, 0.3), of(0.0000123, 108, 0.4)),
    ]
    seconds = {"gather": 0.00012, "loss": 0.00001, "update": 0.00004, "walk": 0.0, "python": 0.00005}
    found["one_thread"] = {"peak_gflops": 265.4, "seconds_per_step": 0.0011, "seconds": seconds}
    return found | more


HEAD = (
    "conv8-relu-pool\n"
    "28x28x1 images, batch 128, shards of 16, 15,770 parameters\n"
    "Some CPU, 2 threads, measured peak 530 GFLOP/s (265 on one)\n"
    "\n"
    "                      time images/s GFLOP/s of peak\n"
    "training step      1.12 ms  114,286      93    18 %\n"
    "inference of 1,000 8.75 ms  114,286    7.12    18 %\n"
    "inference of 1     76.9 µs   13,004\n"
    "kernels ready after 3.14 s\n"
    "\n"
)


def test_80_columns():
    assert shown(print_benchmark, result(), 80) == HEAD + (
        "a step on one thread, layer by layer\n"
        "                         of forward        of    dx        of    dw        of\n"
        "layer              ms  step      ms GF/s peak    ms GF/s peak    ms GF/s peak\n"
        "conv8-relu-pool 0.791  72 %   0.340  169 64 % 0.031    -    - 0.420  137 52 %\n"
        "dense10         0.040   4 %   0.011  117 44 % 0.016   81 30 % 0.012  108 40 %\n"
        "gather          0.120  11 %\n"
        "loss            0.010   1 %\n"
        "update          0.040   4 %\n"
        "between kernels     -     -\n"
        "Python          0.050   5 %\n"
        "step             1.10 100 %\n"
        "dx, dw: gradients of input and weights; GF/s: GFLOP/s, of one thread's peak"
    )


def test_a_narrow_terminal_has_no_gflops_by_layer():
    text = shown(print_benchmark, result(), 60)
    assert "GF/s peak" not in text
    assert "of forward   of    dx   of    dw   of\n" in text


@pytest.mark.parametrize("width", [60, 76, 80, 140])
def test_no_table_is_wider_than_the_terminal(width):
    long = "conv256k5s2v-leakyrelu0.2-pool3s2"
    slow = layer(long, *[of(12.3456, 1000.0, 1.0)] * 3)
    text = shown(print_benchmark, result(layers=[slow] * 2, threads=1), width)
    assert max(map(len, text.splitlines()[:-1])) <= width


def test_the_reference_engine():
    bare = result(layers=[], one_thread=None, compile_seconds=None, peak_gflops=None)
    bare["training"] = bare["training"] | {"share_of_peak": None}
    text = shown(print_benchmark, bare, 80)
    assert "Some CPU, 2 threads\n" in text
    assert "training step      1.12 ms  114,286      93       -\n" in text
    assert text.endswith(
        "\n\nno figures by layer, and no peak: the reference engine runs NumPy, not kernels of its own"
    )
