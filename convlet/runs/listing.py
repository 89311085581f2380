"""The runs in a folder: what each is, how far it came, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from convlet.errors import CheckpointError
from convlet.runs import checkpoint_file
from convlet.runs.checkpoints import NEWEST, PREVIOUS
from convlet.runs.folder import COMPARISON, CONFIG, FAILURE, PARTS, RESULT, read_config, read_json, read_result
from convlet.system import lock, reading


def runs(folder: Path) -> Iterator[dict[str, Any]]:
    """Each run in `folder`, and `folder` itself where it is one, by name: see `describe`."""
    if not reading.is_missing(folder / CONFIG):
        yield describe(folder)
        return
    for path in reading.entries(folder, CheckpointError):
        if not reading.is_missing(path / CONFIG):
            yield describe(path)


def describe(run: Path) -> dict[str, Any]:
    """What a run is.

    run, kind, data, networks : folder, command, the data's name and the architectures
    state : running, finished, stopped, failed or damaged; detail says more
    validation_error, test_error : of the result, of a comparison's best network; None while there is none
    """
    facts: dict[str, Any] = {"run": str(run), "kind": None, "data": None, "networks": [], "state": "damaged"}
    facts |= {"detail": "", "validation_error": None, "test_error": None}
    try:
        config = read_config(run)
        facts["kind"] = config["kind"]
        facts |= _train(run, config) if config["kind"] == "train" else _compare(run, config)
    except CheckpointError as error:
        facts["detail"] = str(error)
    except (KeyError, TypeError, AttributeError, StopIteration):
        facts["detail"] = "its files are not those of a run"
    if lock.is_held(run):
        facts["state"] = "running"
    return facts


def _train(run: Path, config: dict[str, Any]) -> dict[str, Any]:
    origin, name = config["origin"], _name(config["loading"]["data"])
    facts = {"data": name, "networks": [origin["architecture"]]}
    if not reading.is_missing(run / RESULT):
        _, result = read_result(run)
        errors = {key: result[key] for key in ("validation_error", "test_error")}
        return facts | errors | {"state": "finished", "detail": f"{len(result['history']['epoch'])} epochs"}
    if not reading.is_missing(run / FAILURE):
        return facts | {"state": "failed", "detail": str(read_json(run / FAILURE)["error"])}
    return facts | {"state": "stopped", "detail": _progress(run, origin["settings"]["epochs"])}


def _progress(run: Path, epochs: int) -> str:
    """How far the newest checkpoint is."""
    for name in (NEWEST, PREVIOUS):
        if not reading.is_missing(run / name):
            try:
                place = checkpoint_file.load(run / name)[0].values["place"]
            except CheckpointError:
                continue
            return f"{place['epoch']} of {epochs} epochs" + (
                f" and {place['images']:,} images" if place["first"] else ""
            )
    return "before its first checkpoint"


def _compare(run: Path, config: dict[str, Any]) -> dict[str, Any]:
    origin = config["origin"]
    facts: dict[str, Any] = {"data": _name(config["loading"]["data"])}
    facts["networks"] = [entry["architecture"] for entry in origin["entries"]]
    trainings = (len(origin["entries"]) + (origin["then"] is not None)) * origin["repeats"]
    done = len(list((run / PARTS).glob(f"*/{RESULT}")))
    facts |= {"state": "stopped", "detail": f"{done} of {trainings} trainings"}
    if not reading.is_missing(run / COMPARISON):
        result = read_json(run / COMPARISON)
        if not result["missing"]:
            facts["state"] = "finished"
        if result["failed"]:
            facts["detail"] += f", {len(result['failed'])} failed"
        if result["results"]:
            best = next(row for row in result["results"] if row["label"] == result["best_label"])
            facts |= {key: best[key] for key in ("validation_error", "test_error")}
    return facts


def _name(data: str) -> str:
    return Path(data).name
