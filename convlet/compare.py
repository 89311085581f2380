"""The comparison: train several networks on the same images, choose by validation error, report test errors.

The choice never looks at a test image. Each trained network meets the test images once, for its line in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any, Protocol

from convlet.architecture import parse, with_head
from convlet.data.dataset import Dataset
from convlet.evaluation import confusion_matrix, wilson_interval
from convlet.machine import machine, versions
from convlet.recipes import Entry, settings_for
from convlet.training import Model, Progress, Settings, TrainingResult, train


class Watcher(Protocol):
    """Who is told how the comparison goes on."""

    def start(self, label: str, number: int, count: int) -> None: ...

    def update(self, progress: Progress) -> None: ...

    def finish(self, text: str) -> None: ...


@dataclass
class Comparison:
    """Networks to compare and what to compare them on.

    Parameters
    ----------
    data : the images
    entries : the networks
    given : settings that the user gave, for all of them
    repeats : trainings of each network, with seeds that count up from the first
    then : another data set, on which the best network is trained after the comparison
    """

    data: Dataset
    entries: Sequence[Entry]
    given: dict[str, Any] = field(default_factory=dict)
    repeats: int = 1
    then: Dataset | None = None

    def __post_init__(self) -> None:
        # everything that can be refused is refused before the first step of the first network
        self.plans = [(entry, self._settings(entry, self.data)) for entry in self.entries]
        for data in (self.data, self.then):
            if data is not None:
                for entry in self.entries:
                    with_head(parse(entry.architecture), len(data.classes)).output_shape(data.image_shape)
        self.models: dict[str, Model] = {}

    def _settings(self, entry: Entry, data: Dataset) -> Settings:
        return settings_for(entry, len(data.train), self.given)

    def run(self, watcher: Watcher | None = None) -> dict[str, Any]:
        """Train everything; the result as the JSON shows it.

        Ctrl-C ends it early: the result then holds what is finished, and `missing` names the rest.
        """
        result: dict[str, Any] = {
            "data": self.data.describe(),
            "settings": self._shared_settings(),
            "machine": machine(),
            "versions": versions(),
            "results": [],
            "best": None,
            "then": None,
            "missing": [],
        }
        count = len(self.plans) * self.repeats + (self.then is not None) * self.repeats
        self._number = 0
        try:
            for entry, settings in self.plans:
                own = {k: v for k, v in settings.as_dict().items() if result["settings"].get(k, v) != v}
                found = self._network(entry, settings, self.data, watcher, count)
                result["results"].append(found | ({"settings": own} if own else {}))
            best = self._choose(result)
            if self.then is not None:
                entry, _ = self.plans[best]
                chosen = self._network(entry, self._settings(entry, self.then), self.then, watcher, count, "then")
                result["then"] = {"data": self.then.describe(), **chosen}
        except KeyboardInterrupt:
            result["missing"] = self._missing(result)
            if result["results"]:
                self._choose(result)
        return result

    def _shared_settings(self) -> dict[str, Any]:
        """The settings of the first network, with what only the comparison has."""
        shared = self.plans[0][1].as_dict()
        return shared | {"repeats": self.repeats}

    def _missing(self, result: dict[str, Any]) -> list[str]:
        missing = [entry.label for entry in self.entries[len(result["results"]) :]]
        if self.then is not None and result["then"] is None:
            missing.append(f"the best network on {self.then.name}")
        return missing

    @staticmethod
    def _choose(result: dict[str, Any]) -> int:
        """The lowest validation error; fewer parameters where equal."""
        rows = result["results"]
        best = min(range(len(rows)), key=lambda k: (_validation(rows[k]), rows[k]["parameters"]))
        result["best"] = rows[best]["architecture"]
        return best

    def _network(
        self,
        entry: Entry,
        settings: Settings,
        data: Dataset,
        watcher: Watcher | None,
        count: int,
        kind: str = "compared",
    ) -> dict[str, Any]:
        """All repeats of one network."""
        runs = []
        for repeat in range(self.repeats):
            self._number += 1
            label = entry.label if kind == "compared" else f"{entry.label} on {data.name}"
            label += f", repeat {repeat + 1} of {self.repeats}" if self.repeats > 1 else ""
            if watcher:
                watcher.start(label, self._number, count)
            seeded = settings.changed(seed=settings.seed + repeat)
            trained = train_on(data, entry.architecture, seeded, watcher.update if watcher else None)
            if repeat == 0:
                self.models[entry.architecture if kind == "compared" else f"then-{entry.architecture}"] = trained.model
            runs.append(measure(trained, data) | {"seed": seeded.seed})
            if watcher:
                watcher.finish(_line(runs[-1]))
        return {"label": entry.label, "architecture": entry.architecture} | merge(runs)


def train_on(
    data: Dataset, word: str, settings: Settings, on_progress: Callable[[Progress], None] | None = None
) -> TrainingResult:
    """Train the network that a word describes on a data set's training images."""
    network = with_head(parse(word), len(data.classes))
    held_out = data.validation if len(data.validation) else None
    return train(network, data.train, held_out, classes=data.classes, settings=settings, on_progress=on_progress)


def measure(trained: TrainingResult, data: Dataset) -> dict[str, Any]:
    """What one training gave, test images included."""
    labels, predicted = data.test.labels, trained.model.predict(data.test.images)
    wrong = int((labels != predicted).sum())
    return {
        "parameters": trained.model.parameter_count,
        "train_seconds": trained.train_seconds,
        "images_per_second": trained.images_per_second,
        "validation_error": trained.history["validation_error"][-1],
        "test_error": wrong / len(labels),
        "test_error_interval": list(wilson_interval(wrong, len(labels))),
        "confusion_matrix": confusion_matrix(labels, predicted, len(data.classes)),
        "history": trained.history,
        "sha256": trained.model.sha256(),
    }


def merge(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """One line from the repeats of a network: means, their spread, and the interval around the mean test error."""
    first = {key: value for key, value in runs[0].items() if key != "seed"}
    if len(runs) == 1:
        return first
    means = {
        key: fmean(run[key] for run in runs)
        for key in ("train_seconds", "images_per_second", "validation_error", "test_error")
        if runs[0][key] is not None
    }
    images = sum(map(sum, runs[0]["confusion_matrix"]))
    interval = wilson_interval(round(means["test_error"] * images), images)
    spread = {"test_error_spread": stdev(run["test_error"] for run in runs)}
    return first | means | {"test_error_interval": list(interval)} | spread | {"repeats": runs}


def _validation(row: dict[str, Any]) -> float:
    error = row["validation_error"]
    return 1.0 if error is None else error


def _line(run: dict[str, Any]) -> str:
    error = run["validation_error"]
    shown = "" if error is None else f"validation error {100 * error:.2f} %, "
    return f"{shown}{run['train_seconds']:.1f} s, {run['images_per_second']:,.0f} images/s"


def architectures(words: Sequence[str]) -> Iterator[Entry]:
    """An entry for each word the user typed; the word is its label."""
    for word in words:
        parse(word)
        yield Entry(word, word)
