"""`convlet benchmark --json`. Shares and GFLOP/s are None if they were not measured or there is nothing to compute."""

from __future__ import annotations

from typing import TypedDict

from convlet.records.conditions import Machine, Versions


class TrainingSpeed(TypedDict):
    """Whole training steps."""

    seconds_per_step: float
    seconds_per_step_range: list[float]
    repeats: int
    images_per_second: float
    gflops: float
    share_of_peak: float | None


class InferenceSpeed(TypedDict):
    """Logits of many images at once, and of one."""

    images: int
    images_per_second: float
    images_per_second_range: list[float]
    gflops: float
    share_of_peak: float | None
    seconds_one_image: float
    seconds_one_image_range: list[float]
    repeats: int


class PassSpeed(TypedDict):
    """A layer in one pass of a step."""

    seconds: float
    operations: int
    gflops: float | None
    share_of_peak: float | None


KernelTime = TypedDict("KernelTime", {"kernel": str, "pass": str, "seconds": float})
"""A kernel of a layer; `pass` is a keyword of Python."""


class LayerSpeed(TypedDict):
    """A layer, or several that share their kernels, in a step on one thread."""

    layer: str
    output_shape: list[int]
    parameters: int
    share_of_step: float
    forward: PassSpeed
    input_gradient: PassSpeed
    filter_gradient: PassSpeed
    kernels: list[KernelTime]


class OneThread(TypedDict):
    """A step on one thread, and the seconds of all that is no layer's."""

    peak_gflops: float | None
    seconds_per_step: float
    seconds: dict[str, float]


class ByLayer(TypedDict):
    """The parts of a step; empty without compiled kernels."""

    layers: list[LayerSpeed]
    one_thread: OneThread | None


class BenchmarkResult(ByLayer):
    """Everything that `convlet benchmark` measures."""

    architecture: str
    input: str
    batch: int
    threads: int
    shard: int
    parameters: int
    compile_seconds: float | None
    peak_gflops: float | None
    training: TrainingSpeed
    inference: InferenceSpeed
    machine: Machine
    versions: Versions
