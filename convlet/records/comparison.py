"""The result of a comparison: compare.json, and what a report is made of."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from convlet.records.conditions import Machine, SettingValues, Versions
from convlet.records.data import DataFacts
from convlet.records.evaluation import PairedTest
from convlet.records.run import Loading
from convlet.records.training import TrainingFigures


class MergedFigures(TrainingFigures):
    """Figures of one training or, with `repeats`, means over several."""

    test_error_spread: NotRequired[float]
    repeats: NotRequired[list[TrainingFigures]]


class NetworkResult(MergedFigures):
    """A network of a comparison. `settings` are those that differ from the comparison's."""

    label: str
    architecture: str
    settings: NotRequired[SettingValues]


class SecondResult(NetworkResult):
    """The best network on the other data set."""

    data: DataFacts


class Failure(TypedDict):
    """A network whose training failed, and why."""

    label: str
    error: str


class RunnerUp(PairedTest):
    """The best network against the next best, `other`."""

    other: str


class ComparisonResult(TypedDict):
    """A comparison. `missing` names what was not reached before an interruption.

    The report of a single training uses it too: there nobody compared, so `untried` and `paired` are left out.
    """

    data: DataFacts
    settings: SettingValues
    machine: Machine
    versions: Versions
    results: list[NetworkResult]
    best: str | None
    best_label: str | None
    untried: NotRequired[list[str]]
    paired: NotRequired[RunnerUp | None]
    then: SecondResult | None
    failed: list[Failure]
    missing: list[str]
    command: NotRequired[str | None]
    loading: NotRequired[Loading | None]
