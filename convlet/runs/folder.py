"""Run folders: everything one `train` or `compare` writes, so that it can be looked at, repeated and gone on with.

    config.json        what was asked for: command, data, architectures, settings, machine, versions
    result.json        what came of it, once it is finished
    model.safetensors  the trained network (of `train`; `compare` has one for each network)
    compare.json       of `compare`: what the table shows, and more
    report.html        what came of it, for people
    start.safetensors  of `train --from`, until it is finished: the model it starts from
    parts/NAME/        of `compare`: the folder of each training

and, in the folder of each training, what `checkpoints` writes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, overload

from convlet.engine.choice import backend_name
from convlet.errors import CheckpointError, PredictionError, TrainingError
from convlet.layers.base import Array
from convlet.model import model_file
from convlet.model.model import NUMERICS_VERSION, Model
from convlet.records.conditions import SettingValues
from convlet.records.data import DataFacts
from convlet.records.run import CompareConfig, Origin, RunConfig, Start, TrainConfig, TrainOrigin
from convlet.records.training import TrainingFigures
from convlet.runs.checkpoints import SECONDS, Checkpoints, changes, write_history
from convlet.system import reading
from convlet.system.atomic import clean, write_json
from convlet.system.reading import Unchecked
from convlet.training.loop import TrainingResult

CONFIG, RESULT, MODEL, PARTS = "config.json", "result.json", "model.safetensors", "parts"
COMPARISON = "compare.json"

FAILURE = "failure.json"
"""Why a training could not go on, as long as nobody tries again."""

MOST_JSON_BYTES = 2**28
"""The largest JSON file that is read: twice the confusion matrices of twenty networks with a thousand classes."""

KINDS = ("train", "compare")
"""The commands that have run folders."""


def origin(data: DataFacts, architecture: str, settings: SettingValues, start: Start | None = None) -> TrainOrigin:
    """Everything that decides the result of a training.

    Parameters
    ----------
    data : what `Dataset.describe` says
    settings : `Settings.as_dict`; the threads are left out, since they change nothing
    start : what was taken from which model; its path is left out. None if nothing was
    """
    made: dict[str, object] = {
        "data": {key: value for key, value in data.items() if key not in ("name", "source")},
        "architecture": architecture,
        "settings": {name: value for name, value in settings.items() if name != "threads"},
        "numerics": NUMERICS_VERSION,
        "engine": backend_name(),
    }
    if start is not None:
        made["from"] = {key: value for key, value in start.items() if key != "model"}
    # what is compared has been through JSON on both sides
    known: TrainOrigin = json.loads(json.dumps(made, allow_nan=False))
    return known


@dataclass
class Part:
    """The folder of one training.

    Parameters
    ----------
    path : the folder; it is made when something is written
    origin : see `origin`
    seconds, stop : see `Checkpoints`
    """

    path: Path
    origin: TrainOrigin
    seconds: float = SECONDS
    stop: Callable[[], BaseException | None] = lambda: None

    def keeper(self, model: Callable[[Array, Array], Model]) -> Checkpoints:
        """Who keeps the state of this training; `model` makes a model of parameters and state."""
        self.path.mkdir(parents=True, exist_ok=True)
        clean(self.path)
        (self.path / FAILURE).unlink(missing_ok=True)
        return Checkpoints(self.path, self.origin, model, self.seconds, self.stop)

    def finish(self, trained: TrainingResult, result: TrainingFigures) -> None:
        """Write the history, the model and last the result, which marks this training as finished."""
        write_history(self.path, trained.history)
        model_file.save(trained.model, self.path / MODEL)
        write_json(self.path / RESULT, {"origin": self.origin, "result": result})

    def fail(self, error: TrainingError | PredictionError) -> None:
        """Write why this training cannot go on."""
        write_json(self.path / FAILURE, {"error": str(error)})

    def finished(self) -> tuple[TrainingFigures, Model] | None:
        """Result and model of this training; None where it is not finished.

        Raises
        ------
        CheckpointError : it was finished from another origin
        """
        if reading.is_missing(self.path / RESULT):
            return None
        made_from, result = read_result(self.path)
        changed = changes(made_from, self.origin)
        if changed:
            raise CheckpointError(f"{self.path}: is of another training: {changed}; begin a new run")
        return result, model_file.load(self.path / MODEL)


@dataclass
class RunFolder:
    """The folder of one command.

    Parameters
    ----------
    path : the folder
    seconds, stop : see `Checkpoints`
    """

    path: Path
    seconds: float = SECONDS
    stop: Callable[[], BaseException | None] = lambda: None

    def whole(self, origin: TrainOrigin) -> Part:
        """This folder as that of one training."""
        return Part(self.path, origin, self.seconds, self.stop)

    def part(self, name: str, origin: TrainOrigin) -> Part:
        """The folder of one of several trainings."""
        return Part(self.path / PARTS / name, origin, self.seconds, self.stop)


@overload
def read_config(folder: Path) -> RunConfig: ...
@overload
def read_config(folder: Path, kind: Literal["train"]) -> TrainConfig: ...
@overload
def read_config(folder: Path, kind: Literal["compare"]) -> CompareConfig: ...
def read_config(folder: Path, kind: str | None = None) -> Any:
    """What a run was asked for; raises CheckpointError for a folder that is no run, or none of this kind."""
    if reading.kind(folder) != "folder":
        raise CheckpointError(f"{folder}: is not a folder; give the folder of a run, see 'convlet runs'")
    if reading.is_missing(folder / CONFIG):
        raise CheckpointError(f"{folder}: there is no {CONFIG}, so it is not a run; see 'convlet runs'")
    config = read_json(folder / CONFIG)
    found = config.get("kind")
    if found not in KINDS or not all(isinstance(config.get(name), dict) for name in ("origin", "loading")):
        raise CheckpointError(f"{folder / CONFIG}: does not say how the run was begun; begin a new run")
    if kind is not None and found != kind:
        raise CheckpointError(
            f"{folder}: is a run of 'convlet {found}'; go on with 'convlet {found} --resume {folder}'"
        )
    return config


def check_origin(folder: Path, config: RunConfig, now: Mapping[str, Any]) -> None:
    """Raise CheckpointError, naming what changed, where a run would now be made from something else."""
    changed = changes(config["origin"], now)
    if changed:
        raise CheckpointError(f"{folder}: cannot go on, because of what changed: {changed}; begin a new run")


def read_result(folder: Path) -> tuple[Origin, TrainingFigures]:
    """What a finished training was made from (see `origin`), and what came of it; raises CheckpointError."""
    found = read_json(folder / RESULT)
    made_from, result = found.get("origin"), found.get("result")
    if not isinstance(made_from, dict) or not isinstance(result, dict):
        raise CheckpointError(f"{folder / RESULT}: holds no result; remove it to train again")
    return made_from, cast(TrainingFigures, result)  # who needs more than the usual keys looks for them


def read_json(path: Path) -> Unchecked:
    """The object in a JSON file; raises CheckpointError where there is none."""
    with reading.opened(path, "a JSON file", MOST_JSON_BYTES, CheckpointError) as file:
        if file.peek(1).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":  # so nothing large is read in vain
            raise CheckpointError(f"{path}: is damaged; expected a JSON object")
        data = reading.read_whole(file, path, CheckpointError)
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise CheckpointError(f"{path}: is damaged; it is not JSON") from None
    if not isinstance(found, dict):
        raise CheckpointError(f"{path}: is damaged; expected a JSON object")
    return found
