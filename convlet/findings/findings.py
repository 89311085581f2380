"""What a report shows, found out from results, models and data: plain dictionaries and arrays, nothing drawn yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import numpy as np

from convlet.data.dataset import Dataset
from convlet.evaluation.figures import paired_test
from convlet.evaluation.headline import headline
from convlet.findings.bounds import studied_step
from convlet.findings.inside import inside
from convlet.findings.study import logits_of, study
from convlet.learning.settings import Settings
from convlet.model.model import Model
from convlet.records.comparison import ComparisonResult, NetworkResult
from convlet.records.data import DataFacts
from convlet.records.findings import Difference, Findings, RateCurve, Study, TestFindings

__all__ = ["findings"]

POINTS = 81
"""Of the learning rate's curve."""


def findings(
    result: ComparisonResult,
    data: Dataset | None = None,
    models: Iterable[Model] = (),
    then: Dataset | None = None,
    *,
    threads: int | None = None,
) -> Findings:
    """Everything that a report shows.

    Parameters
    ----------
    result : as `convlet compare --json` writes it, of one network or more
    data, then : the data sets of the comparison and of its last part; None where they are not at hand
    models : trained networks, in any order; each is found by the SHA-256 of its weights, and some may be missing
    threads : None for all the machine has

    Returns
    -------
    "result" : the result itself
    "differences" : for each other network how it and the best differ on the test images; empty without the models
    "schedules" : for each network its learning rate at "epoch" (fractions of epochs passed): "rate"
    "studies" : the best network, and the best network on the other data set: see `study.study`. Without its model
        and data a study holds no more than the result does
    """
    known = {model.sha256(): model for model in models}
    best = next((row for row in result["results"] if row["label"] == result["best_label"]), None)
    studies = [_study(best, result["data"], known, data, threads)] if best is not None else []
    differences: list[Difference] = []
    if data is not None and best is not None and studies[0]["of_test"] is not None:
        differences = _differences(result, best, studies[0]["of_test"], known, data, threads)
    if result["then"]:
        studies.append(_study(result["then"], result["then"]["data"], known, then, threads))
    return {"result": result, "differences": differences, "schedules": _schedules(result), "studies": studies}


def _study(
    row: NetworkResult, facts: DataFacts, known: dict[str, Model], data: Dataset | None, threads: int | None
) -> Study:
    """What is known of one network on one data set."""
    found: Study = {
        "row": row,
        "data": facts,
        "of_test": None,
        "inside": None,
        "headline": row.get("headline") or headline(row["confusion_matrix"], facts["classes"]),
    }
    model = known.get(row["sha256"])
    if model is not None and data is not None:
        step = studied_step(len(data.test), data.image_shape)
        numbers = np.arange(0, len(data.test), step)
        logits = logits_of(model, data.test.images[::step], threads, step=step)
        found["of_test"] = study(model, data, logits, threads, numbers)
        found["inside"] = inside(model, data, logits, numbers)
    return found


def _differences(
    result: ComparisonResult,
    best: NetworkResult,
    studied: TestFindings,
    known: dict[str, Model],
    data: Dataset,
    threads: int | None,
) -> list[Difference]:
    """The best network against each other one on the same test images, in the order of the results."""
    found: list[Difference] = []
    for row in result["results"]:
        if row is best or row["sha256"] not in known:
            continue
        wrong, other = _mistaken(best, data), _mistaken(row, data)
        if wrong is None or other is None:  # an older result, which does not name its mistakes
            wrong = studied["predicted"] != studied["labels"]
            other = logits_of(known[row["sha256"]], studied["images"], threads).argmax(axis=1) != studied["labels"]
        found.append({"label": row["label"], **paired_test(wrong, other)})
    return found


def _mistaken(row: NetworkResult, data: Dataset) -> np.ndarray[Any, Any] | None:
    """Which test images a network had wrong, bool (n,); None if its result does not say."""
    if "mistakes" not in row:
        return None
    wrong = np.zeros(len(data.test), bool)
    wrong[row["mistakes"]] = True
    return wrong


def _schedules(result: ComparisonResult) -> dict[str, RateCurve]:
    """The learning rate of each network over its training, at the beginning of a step."""
    found: dict[str, RateCurve] = {}
    known = {field.name for field in fields(Settings)}
    for row in result["results"]:
        given = {**result["settings"], **row.get("settings", {})}
        settings = Settings(**{name: value for name, value in given.items() if name in known})
        if settings.minutes is not None:  # how many steps there were was decided on the way
            continue
        images = result["data"]["train_images"]
        steps_an_epoch = -(-images // min(settings.batch or images, images))
        steps = settings.steps or steps_an_epoch * settings.epochs
        schedule = settings.make_schedule(steps_an_epoch)
        places = sorted({round(k * (steps - 1) / (POINTS - 1)) for k in range(POINTS)})
        found[row["label"]] = {
            "epoch": [round(step / steps_an_epoch, 4) for step in places],
            "rate": [schedule.rate(step, steps) for step in places],
        }
    return found
