"""What a training gives: its history, and its figures."""

from __future__ import annotations

from statistics import fmean
from typing import Any, NotRequired, TypedDict, cast

from convlet.records.evaluation import Copies, Headline, Mistake
from convlet.records.run import FromStart


class EpochRow(TypedDict):
    """An epoch: a line of history.jsonl. Validation figures are None without validation images."""

    member: NotRequired[int]
    epoch: int
    train_loss: float
    train_error: float
    validation_loss: float | None
    validation_error: float | None
    learning_rate: float
    seconds: float


class History(TypedDict, total=False):
    """The same as columns, one entry an epoch; empty before the first. `member` is there if there are several."""

    member: list[int]
    epoch: list[int]
    train_loss: list[float]
    train_error: list[float]
    validation_loss: list[float | None]
    validation_error: list[float | None]
    learning_rate: list[float]
    seconds: list[float]


def _columns(history: History) -> dict[str, list[Any]]:
    """The history by the names of its columns, for what is done with each of them alike."""
    return cast(dict[str, list[Any]], history)


def add_epoch(history: History, row: EpochRow) -> None:
    """Put an epoch of one member at the end of its history."""
    columns = _columns(history)
    for name, value in row.items():
        columns.setdefault(name, []).append(value)


def copied(history: History) -> History:
    """The same history in lists of its own."""
    return cast(History, {name: list(column) for name, column in _columns(history).items()})


def joined(histories: list[History]) -> History:
    """The epochs of several members one after the other, with a column that says whose they are."""
    if len(histories) == 1:
        return histories[0]
    numbers = [number for number, one in enumerate(histories, start=1) for _ in one.get("epoch", [])]
    columns = [_columns(one) for one in histories]
    names = next((one for one in columns if one), {})
    whole = {name: [value for one in columns for value in one.get(name, [])] for name in names}
    return cast(History, {"member": numbers} | whole)


def mean_of_members(history: History) -> History:
    """Of a history of several members the mean of each epoch; None if it is None for a member."""
    if "member" not in history:
        return history
    epochs, columns = sorted(set(history["epoch"])), _columns(history)
    found: dict[str, list[Any]] = {"epoch": epochs}
    for name in set(columns) - {"member", "epoch"}:
        at = [
            [value for value, own in zip(columns[name], history["epoch"], strict=True) if own == epoch]
            for epoch in epochs
        ]
        found[name] = [None if None in values else fmean(values) for values in at]
    return cast(History, found)


def epochs_of(history: History) -> list[EpochRow]:
    """The history, one row an epoch."""
    columns = _columns(history)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return cast(list[EpochRow], rows)


class TrainingFigures(Copies, FromStart):
    """What a training gives, test images included: `result` in result.json.

    `seed` is there in a comparison, `from` if the training started from a model.
    """

    parameters: int
    train_seconds: float
    images_per_second: float
    validation_error: float | None
    test_error: float
    test_error_interval: list[float]
    headline: NotRequired[Headline]
    best_epoch: int
    confusion_matrix: list[list[int]]
    mistakes: NotRequired[list[int]]
    worst: NotRequired[list[Mistake]]
    history: History
    rollbacks: NotRequired[list[str]]
    stopped: NotRequired[str]
    sha256: str
    seed: NotRequired[int]
