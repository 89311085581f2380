"""The comparison: train several networks on the same images, choose by validation error, report test errors.

The choice never looks at a test image. Each trained network meets the test images once, for its line in the table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

from convlet.data.dataset import Dataset
from convlet.engine.choice import Training, compile_ahead
from convlet.errors import PredictionError, SettingsError, TrainingError
from convlet.learning.settings import Settings
from convlet.measure.conditions import machine, versions
from convlet.model.model import Model
from convlet.network.word import parse, with_head
from convlet.random import REPEAT, derived_seed
from convlet.recipes.presets import Entry, settings_for
from convlet.recipes.recipe import RECIPES
from convlet.records.comparison import ComparisonResult, NetworkResult
from convlet.records.conditions import SettingValues
from convlet.records.data import DataFacts
from convlet.records.run import CompareOrigin
from convlet.records.training import TrainingFigures
from convlet.runs.folder import RunFolder, origin
from convlet.system.threads import available_threads
from convlet.training.progress import Progress
from convlet.trials.choice import choose, missing, untried
from convlet.trials.trial import check_fits, expected_seconds, measure, merge, no_validation, train_on

LONGEST_NAME = 120
"""Characters of an architecture that go into a file name; file systems end at 255 bytes."""


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
    repeats : trainings of each network; the first has the seed of the settings, the others seeds derived from it
    then : another data set, on which the best network is trained after the comparison
    folder : where each training keeps its checkpoints and its result; None for nowhere

    `models` holds the first repeat of each network that is finished, by a name that suits a file.

    Raises
    ------
    SettingsError : no network, two of one label, or a setting outside its range
    DataError : several networks and no validation images to choose by
    ArchitectureError : a network that does not fit the images or the memory
    """

    data: Dataset
    entries: Sequence[Entry]
    given: SettingValues = field(default_factory=dict)
    repeats: int = 1
    then: Dataset | None = None
    folder: RunFolder | None = None

    def __post_init__(self) -> None:
        # everything that can be refused is refused before the first step of the first network
        self._check_choice()
        self.plans = [(entry, self._settings(entry, self.data)) for entry in self.entries]
        for data in (self.data, self.then):
            if data is not None:
                for entry in self.entries:
                    check_fits(entry.architecture, self._settings(entry, data), data)
        self.models: dict[str, Model] = {}
        self._compiled = False
        self._names = file_names(self.entries)
        self._described: dict[int, DataFacts] = {}

    def _check_choice(self) -> None:
        """Refuse networks that could not be told apart, or not chosen between."""
        labels = [entry.label for entry in self.entries]
        if not labels:
            raise SettingsError("a comparison needs at least one network, but got none")
        for label in labels:
            if labels.count(label) > 1:
                raise SettingsError(f"'{label}' was given {labels.count(label)} times; give each network once")
        if len(labels) > 1 and not len(self.data.validation):
            raise no_validation(self.data, f"choose one of {len(labels)} networks by")

    def _settings(self, entry: Entry, data: Dataset) -> Settings:
        return settings_for(entry, len(data.train), self.given)

    def recipes(self) -> Iterator[tuple[str, str, Settings, float]]:
        """Of each recipe among the networks: its name, its word, its settings and the seconds it will take here."""
        for entry, settings in self.plans:
            if entry.label in RECIPES:
                self.compile_ahead()
                expected = expected_seconds(self.data, entry.architecture, settings)
                yield entry.label, entry.architecture, settings, expected

    def origin(self) -> CompareOrigin:
        """Everything that decides the results, in values that JSON knows."""
        given = {name: value for name, value in self.given.items() if name != "threads"}
        made = {
            "data": _images(self._describe(self.data)),
            "then": _images(self._describe(self.then)) if self.then is not None else None,
            "entries": [asdict(entry) for entry in self.entries],
            "given": given,
            "repeats": self.repeats,
        }
        known: CompareOrigin = json.loads(json.dumps(made, allow_nan=False))
        return known

    def run(self, watcher: Watcher | None = None) -> ComparisonResult:
        """Train everything; the result as the JSON shows it.

        Ctrl-C ends it early: the result then holds what is finished, and `missing` names the rest. A network whose
        training fails is named in `failed`; the others go on.
        """
        result: ComparisonResult = {
            "data": self._describe(self.data),
            "settings": self._shared_settings(),
            "machine": machine(),
            "versions": versions(),
            "results": [],
            "best": None,
            "best_label": None,
            "untried": untried(self.entries),
            "paired": None,
            "then": None,
            "failed": [],
            "missing": [],
        }
        count = len(self.plans) * self.repeats + (self.then is not None) * self.repeats
        self._number = 0
        try:
            for entry, settings in self.plans:
                own = {k: v for k, v in settings.as_dict().items() if result["settings"].get(k, v) != v}
                runs: list[TrainingFigures] = []
                try:
                    self._train(entry, settings, self.data, watcher, count, runs)
                except (TrainingError, PredictionError) as error:
                    result["failed"].append({"label": entry.label, "error": str(error)})
                finally:  # also what Ctrl-C left of the repeats
                    if runs:
                        result["results"].append(_row(entry, runs, own))
            label = choose(result, len(self.data.test))
            if self.then is not None and label is not None:
                best = next(entry for entry in self.entries if entry.label == label)
                self._then(best, self.then, watcher, count, result)
        except KeyboardInterrupt:
            result["missing"] = missing(result, [entry.label for entry in self.entries], self.repeats, self.then)
            choose(result, len(self.data.test))
        return result

    def _then(self, best: Entry, data: Dataset, watcher: Watcher | None, count: int, result: ComparisonResult) -> None:
        """The best network on the other data set."""
        runs: list[TrainingFigures] = []
        try:
            self._train(best, self._settings(best, data), data, watcher, count, runs, "then")
        except (TrainingError, PredictionError) as error:
            result["failed"].append({"label": f"{best.label} on {data.name}", "error": str(error)})
        finally:
            if runs:
                result["then"] = {"data": self._describe(data), **_row(best, runs)}

    def _shared_settings(self) -> SettingValues:
        """The settings of the first network, with what only the comparison has."""
        shared = self.plans[0][1].as_dict()
        return shared | {"repeats": self.repeats}

    def compile_ahead(self) -> None:
        """Compile what the networks need before the first one trains: all at once is fastest."""
        if not self._compiled:
            self._compiled = True
            classes, images = len(self.data.classes), self.data.train.images
            networks = [(with_head(parse(entry.architecture), classes), settings) for entry, settings in self.plans]
            compile_ahead(
                [
                    Training(network, images, own.make_optimizer(), own.shard, own.learning())
                    for network, own in networks
                ],
                self.plans[0][1].threads or available_threads(),
            )

    def _train(
        self,
        entry: Entry,
        settings: Settings,
        data: Dataset,
        watcher: Watcher | None,
        count: int,
        runs: list[TrainingFigures],
        kind: str = "compared",
    ) -> None:
        """All repeats of one network; each is in `runs` as soon as it is finished."""
        for repeat in range(self.repeats):
            self._number += 1
            label = entry.label if kind == "compared" else f"{entry.label} on {data.name}"
            label += f", repeat {repeat + 1} of {self.repeats}" if self.repeats > 1 else ""
            if watcher:
                watcher.start(label, self._number, count)
            self.compile_ahead()
            seeded = settings.changed(seed=derived_seed(settings.seed, REPEAT, repeat))
            name = self._names[entry.label] if kind == "compared" else f"then-{self._names[entry.label]}"
            found, model = self._train_once(entry, seeded, data, watcher, f"{name}-{repeat + 1}")
            if repeat == 0:
                self.models[name] = model
            runs.append(found)
            if watcher:
                watcher.finish(_line(runs[-1]))

    def _train_once(
        self, entry: Entry, settings: Settings, data: Dataset, watcher: Watcher | None, name: str
    ) -> tuple[TrainingFigures, Model]:
        """What one training gave, and its model; read from its folder where it was finished before."""
        part = None
        if self.folder is not None:
            made_from = origin(self._describe(data), entry.architecture, settings.as_dict())
            part = self.folder.part(name, made_from)
            finished = part.finished()
            if finished is not None:
                return finished
        trained = train_on(data, entry.architecture, settings, watcher.update if watcher else None, part)
        found = measure(trained, data)
        found["seed"] = settings.seed
        if part is not None:
            part.finish(trained, found)
        return found, trained.model

    def _describe(self, data: Dataset) -> DataFacts:
        """What the data says about itself; its fingerprint is worked out once."""
        if id(data) not in self._described:
            self._described[id(data)] = data.describe()
        return self._described[id(data)]


def _images(described: DataFacts) -> dict[str, object]:
    """What the data is, wherever it lies."""
    return {key: value for key, value in described.items() if key not in ("name", "source")}


def _row(entry: Entry, runs: list[TrainingFigures], own: SettingValues | None = None) -> NetworkResult:
    row: NetworkResult = {"label": entry.label, "architecture": entry.architecture, **merge(runs)}
    if own:
        row["settings"] = own
    return row


def file_names(entries: Sequence[Entry]) -> dict[str, str]:
    """For each label a file name without ending: the architecture, with a number where that is not enough."""
    names: dict[str, str] = {}
    for entry in entries:
        start = name = entry.architecture[:LONGEST_NAME]
        number = 1
        while name in names.values():
            number += 1
            name = f"{start}-{number}"
        names[entry.label] = name
    return names


def _line(run: TrainingFigures) -> str:
    error = run["validation_error"]
    shown = "" if error is None else f"validation error {100 * error:.2f} %, "
    stopped = f"; {run['stopped']}" if run.get("stopped") else ""
    return f"{shown}{run['train_seconds']:.1f} s, {run['images_per_second']:,.0f} images/s{stopped}"
