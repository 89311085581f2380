"""How fast a network trains and predicts on this machine, and where a step spends its time.

Images are random bytes: the time of a step does not depend on what they show. Steps are taken with Adam at a learning
rate of 0, so that each does the same work on the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from statistics import median
from time import perf_counter

import numpy as np

from convlet import random
from convlet.engine.choice import Training, backend_name, compile_ahead, make_engine
from convlet.engine.memory import check_training
from convlet.layers.base import Shape
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.measure.conditions import machine, versions
from convlet.measure.profile import Timed
from convlet.model.model import Model
from convlet.network.costs import Work, describe, layers_work
from convlet.network.word import format_word, parse, with_head
from convlet.records.benchmark import BenchmarkResult, ByLayer, InferenceSpeed, LayerSpeed, PassSpeed, TrainingSpeed
from convlet.system.threads import available_threads

CLASSES = 10
"""Of the head."""

INFERENCE_IMAGES = 1000

IMAGE_BYTES = 256 * 2**20
"""Images take no more than this: large ones are fewer, and a large batch shows them more than once."""

RANDOM_BYTES = 2**20 + 1
"""Drawn once and repeated; odd, so that no two images are alike."""

REPEATS, LEAST_REPEATS = 7, 3
REPEAT_SECONDS, MOST_SECONDS = 0.1, 2.0
"""A figure is the median of REPEATS measurements of REPEAT_SECONDS each; of fewer where they take MOST_SECONDS."""

BATCHES = 4

OnStage = Callable[[str], None]


class Benchmark:
    """One network to measure.

    Parameters
    ----------
    architecture : a word
    input_shape : shape of one image (H, W, C)
    batch : images of a training step
    threads : None for all the machine has

    Raises
    ------
    ArchitectureError : the word describes no network, or one that does not fit the images or the memory
    SettingsError : batch or threads out of range, or CONVLET_BACKEND names no engine
    """

    def __init__(self, architecture: str, input_shape: Shape, batch: int = 128, threads: int | None = None) -> None:
        body = parse(architecture)
        self.architecture, self.network = format_word(body), with_head(body, CLASSES)
        self.input_shape, self.settings = input_shape, Settings(batch=batch, threads=threads)
        self.rows = describe(self.network, input_shape)
        self.work = layers_work(self.network, input_shape)
        self.compiled = backend_name() == "compiled"
        self.batch, self.threads = batch, threads or available_threads()
        check_training(self.network, input_shape, self.settings, batch, self.threads)

    def run(self, on_stage: OnStage) -> BenchmarkResult:
        """Measure everything; the dictionary is what `convlet benchmark --json` writes.

        Parameters
        ----------
        on_stage : called with what is measured next
        """
        self._draw()
        compile_seconds, alone, together = None, None, None
        if self.compiled:
            on_stage("compiling")
            compile_seconds = self._compile()
            on_stage("measuring this machine's peak")
            alone, together = self._peaks()
        on_stage("measuring training")
        training = self._training(together)
        on_stage("measuring inference")
        inference = self._inference(together)
        by_layer: ByLayer = {"layers": [], "one_thread": None}
        if self.compiled:
            on_stage("measuring each layer")
            by_layer = self._by_layer(alone)
        return {
            "architecture": self.architecture,
            "input": "x".join(map(str, self.input_shape)),
            "batch": self.batch,
            "threads": self.threads,
            "shard": self.settings.shard,
            "parameters": sum(row["parameters"] for row in self.rows),
            "compile_seconds": compile_seconds,
            "peak_gflops": together,
            "training": training,
            "inference": inference,
            **by_layer,
            "machine": machine(),
            "versions": versions(),
        }

    def _draw(self) -> None:
        """Images, labels and a few batches of their numbers."""
        most = max(1, IMAGE_BYTES // prod(self.input_shape))
        count = min(max(INFERENCE_IMAGES, BATCHES * self.batch), most)
        drawn = random.words(-(-RANDOM_BYTES // 4), seed=0, purpose=random.AUGMENT).view(np.uint8)
        self.images = np.resize(drawn[:RANDOM_BYTES], (count, *self.input_shape))
        self.labels = np.arange(count, dtype=np.int64) % CLASSES
        order = random.permutation(count, 0, random.SHUFFLE)
        self.batches = [np.resize(np.roll(order, -k * self.batch), self.batch) for k in range(BATCHES)]
        self.preprocessing = Preprocessing.from_images(self.images)
        self.optimizer = self.settings.make_optimizer()

    def _compile(self) -> float:
        """Seconds until every kernel is there, from the cache or compiled."""
        began = perf_counter()
        compile_ahead([Training(self.network, self.images, self.optimizer, self.settings.shard)], self.threads)
        return perf_counter() - began

    def _peaks(self) -> tuple[float, float]:
        """GFLOP/s of one thread, and of all threads together."""
        from convlet.measure.peak import peak_gflops

        alone = peak_gflops(1)
        return alone, alone if self.threads == 1 else peak_gflops(self.threads)

    def _training(self, peak: float | None) -> TrainingSpeed:
        """Whole steps: the gradient of a batch and Adam's update."""
        engine = make_engine(
            self.network,
            self.input_shape,
            self.preprocessing,
            shard=self.settings.shard,
            threads=self.threads,
            seed=self.settings.seed,
        )
        engine.parameters[:] = engine.layout.initial_parameters(self.network, self.input_shape, self.settings.seed)
        self.parameters, self.state = engine.parameters.copy(), engine.state.copy()
        slots, done = self.optimizer.new_slots(engine.layout.parameter_count), 0

        def step() -> None:
            nonlocal done
            done += 1
            batch = self.batches[done % BATCHES]
            engine.gradients(self.images, self.labels, batch, epoch=0, position=0)
            engine.update(self.optimizer, slots, 0.0, done)

        try:
            seconds = measured(step)
        finally:
            engine.close()
        gflops = 2e-9 * self.batch * sum(own.total for own in self.work) / median(seconds)
        return {
            "seconds_per_step": median(seconds),
            "seconds_per_step_range": [min(seconds), max(seconds)],
            "repeats": len(seconds),
            "images_per_second": self.batch / median(seconds),
            "gflops": gflops,
            "share_of_peak": share(gflops, peak),
        }

    def _inference(self, peak: float | None) -> InferenceSpeed:
        """Logits of many images and of one, as a model gives them."""
        classes, settings = tuple(map(str, range(CLASSES))), self.settings.as_dict()
        vectors = self.parameters, self.state
        model = Model(self.architecture, self.input_shape, classes, self.preprocessing, *vectors, settings)
        images = self.images[:INFERENCE_IMAGES]
        many = measured(lambda: model.logits(images, self.threads))
        one = measured(lambda: model.logits(images[:1], self.threads))
        gflops = 2e-9 * len(images) * sum(own.forward for own in self.work) / median(many)
        return {
            "images": len(images),
            "images_per_second": len(images) / median(many),
            "images_per_second_range": [len(images) / max(many), len(images) / min(many)],
            "gflops": gflops,
            "share_of_peak": share(gflops, peak),
            "seconds_one_image": median(one),
            "seconds_one_image_range": [min(one), max(one)],
            "repeats": len(many),
        }

    def _by_layer(self, peak: float | None) -> ByLayer:
        """A step on one thread, kernel by kernel."""
        from convlet.measure.profile import ProfiledEngine

        network, shape, settings = self.network, self.input_shape, self.settings
        engine = ProfiledEngine(network, shape, self.preprocessing, shard=settings.shard, seed=settings.seed)
        engine.parameters[:] = self.parameters
        try:
            profile = engine.profile(self.images, self.labels, self.batches[0], self.optimizer)
        finally:
            engine.close()
        other: dict[str, float] = {}
        for own in profile.timed:
            if own.layer is None:
                other[own.part] = other.get(own.part, 0.0) + own.seconds
        other |= {"walk": profile.walk_seconds, "python": profile.python_seconds}
        whole = profile.seconds_per_step
        rows = [self._layer(numbers, profile.timed, whole, peak) for numbers in profile.covered.values()]
        return {"layers": rows, "one_thread": {"peak_gflops": peak, "seconds_per_step": whole, "seconds": other}}

    def _layer(self, numbers: tuple[int, ...], timed: list[Timed], whole: float, peak: float | None) -> LayerSpeed:
        """Layers that share their kernels, as one row."""
        own = [step for step in timed if step.layer == numbers[0]]
        rows, work = [self.rows[number] for number in numbers], sum((self.work[n] for n in numbers), Work())
        return {
            "layer": "-".join(row["token"] for row in rows),
            "output_shape": list(rows[-1]["output_shape"]),
            "parameters": sum(row["parameters"] for row in rows),
            "share_of_step": sum(step.seconds for step in own) / whole,
            "forward": self._pass("forward", own, work.forward, peak),
            "input_gradient": self._pass("input_gradient", own, work.input_gradient, peak),
            "filter_gradient": self._pass("filter_gradient", own, work.filter_gradient, peak),
            "kernels": [{"kernel": step.kernel, "pass": pass_of(step), "seconds": step.seconds} for step in own],
        }

    def _pass(self, name: str, steps: list[Timed], multiply_adds: int, peak: float | None) -> PassSpeed:
        """One pass of a layer, of the kernels that it takes; `multiply_adds` are those of one image."""
        seconds, operations = sum(s.seconds for s in steps if pass_of(s) == name), 2 * self.batch * multiply_adds
        gflops = 1e-9 * operations / seconds if operations and seconds else None
        return {
            "seconds": seconds,
            "operations": operations,
            "gflops": gflops,
            "share_of_peak": share(gflops, peak),
        }


def pass_of(timed: Timed) -> str:
    """Forward, filter gradient, or all else that leads the gradient back to the input."""
    if timed.part == "forward":
        return "forward"
    return "filter_gradient" if "filter_gradient" in timed.kernel else "input_gradient"


def share(gflops: float | None, peak: float | None) -> float | None:
    """The share of the peak, None where either is not known."""
    return None if gflops is None or peak is None else gflops / peak


def measured(call: Callable[[], object]) -> list[float]:
    """Seconds of a call in each of several measurements."""
    call()
    began = perf_counter()
    call()
    calls = max(1, round(REPEAT_SECONDS / (perf_counter() - began)))
    found: list[float] = []
    start = perf_counter()
    while len(found) < LEAST_REPEATS or (len(found) < REPEATS and perf_counter() - start < MOST_SECONDS):
        began = perf_counter()
        for _ in range(calls):
            call()
        found.append((perf_counter() - began) / calls)
    return found
