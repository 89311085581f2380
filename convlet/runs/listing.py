"""The runs in a folder: what each is, how far it came, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from convlet.errors import CheckpointError
from convlet.records.run import CompareConfig, RunFacts, TrainConfig
from convlet.runs import checkpoint_file
from convlet.runs.checkpoints import NEWEST, PREVIOUS
from convlet.runs.folder import COMPARISON, CONFIG, FAILURE, PARTS, RESULT, read_config, read_json, read_result
from convlet.system import lock, reading


def runs(folder: Path) -> Iterator[RunFacts]:
    """Each run in `folder`, and `folder` itself where it is one, by name: see `describe`."""
    if not reading.is_missing(folder / CONFIG):
        yield describe(folder)
        return
    for path in reading.entries(folder, CheckpointError):
        if not reading.is_missing(path / CONFIG):
            yield describe(path)


def describe(run: Path) -> RunFacts:
    """What a run is.

    run, kind, data, networks : folder, command, the data's name and the architectures
    state : running, finished, stopped, failed or damaged; detail says more
    validation_error, test_error : of the result, of a comparison's best network; None while there is none
    """
    facts: RunFacts = {
        "run": str(run),
        "kind": None,
        "data": None,
        "networks": [],
        "state": "damaged",
        "detail": "",
        "validation_error": None,
        "test_error": None,
    }
    try:
        config = read_config(run)
        facts["kind"] = config["kind"]
        facts = _train(run, config, facts) if config["kind"] == "train" else _compare(run, config, facts)
    except CheckpointError as error:
        facts["detail"] = str(error)
    except (KeyError, TypeError, AttributeError, StopIteration):
        facts["detail"] = "its files are not those of a run"
    if lock.is_held(run):
        facts["state"] = "running"
    return facts


def _train(run: Path, config: TrainConfig, facts: RunFacts) -> RunFacts:
    """The facts with those of a training; if its files are not those of a run, none are added."""
    origin, found = config["origin"], facts.copy()
    found["data"], found["networks"] = _name(config["loading"]["data"]), [origin["architecture"]]
    if not reading.is_missing(run / RESULT):
        _, result = read_result(run)
        found["validation_error"], found["test_error"] = result["validation_error"], result["test_error"]
        found["state"], found["detail"] = "finished", f"{len(result['history']['epoch'])} epochs"
    elif not reading.is_missing(run / FAILURE):
        found["state"], found["detail"] = "failed", str(read_json(run / FAILURE)["error"])
    else:
        found["state"], found["detail"] = "stopped", _progress(run, origin["settings"]["epochs"])
    return found


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


def _compare(run: Path, config: CompareConfig, facts: RunFacts) -> RunFacts:
    """The same for a comparison."""
    origin, found = config["origin"], facts.copy()
    found["data"] = _name(config["loading"]["data"])
    found["networks"] = [entry["architecture"] for entry in origin["entries"]]
    trainings = (len(origin["entries"]) + (origin["then"] is not None)) * origin["repeats"]
    done = len(list((run / PARTS).glob(f"*/{RESULT}")))
    found["state"], found["detail"] = "stopped", f"{done} of {trainings} trainings"
    if not reading.is_missing(run / COMPARISON):
        result = read_json(run / COMPARISON)
        if not result["missing"]:
            found["state"] = "finished"
        if result["failed"]:
            found["detail"] += f", {len(result['failed'])} failed"
        if result["results"]:
            best = next(row for row in result["results"] if row["label"] == result["best_label"])
            found["validation_error"], found["test_error"] = best["validation_error"], best["test_error"]
    return found


def _name(data: str) -> str:
    return Path(data).name
