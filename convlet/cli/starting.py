"""`--from MODEL` and `--freeze`: the model that a training starts from, and what its run folder keeps of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from convlet.cli import options, setting_options
from convlet.cli.values import Values
from convlet.errors import CheckpointError, ModelFileError, SettingsError
from convlet.records.run import Start, TrainConfig
from convlet.system import reading

if TYPE_CHECKING:
    from convlet.model.model import Model
    from convlet.trials.planning import Planned

START = "start.safetensors"
"""In a run folder until the run is finished: the model it starts from, so that resuming does not need the original."""

OPTIONS = (
    click.option(
        "--from",
        "start",
        metavar="MODEL",
        help="Start from the filters of a model file or run folder; its classes may differ. Without --architecture, "
        "the model's is used.",
    ),
    click.option("--freeze", is_flag=True, help="Keep the filters of --from unchanged; train only the new layers."),
)


def check_options(values: Values) -> None:
    """Refuse options that do not go together."""
    given = [name for name, value in (("--from", values["start"]), ("--freeze", values["freeze"])) if value]
    if values["resume"] and given:
        raise SettingsError(
            f"--resume and {given[0]} were both given; a run is resumed from its own start, leave {given[0]} out"
        )
    if given == ["--freeze"]:
        raise SettingsError("--freeze keeps the filters of a model, but none was given; add --from MODEL")


def given(values: Values) -> Model | None:
    """The model of --from; of several members the first, which is said."""
    if values["start"] is None:
        return None
    from convlet.model import model_file

    path = options.model_path(values["start"])
    model = model_file.load(path)
    if model.members > 1 and not values["quiet"]:
        options.data_options.say(f"{path} has {model.members} members; the first is used")
    return model.member(0)


def planned(values: Values) -> Planned:
    """The training that the command line describes. `values` then also say how the start's pictures were read."""
    from convlet.trials.planning import Request, planned

    if values["data"] is None:
        raise click.UsageError("Missing argument 'DATA'.")
    if all(values[name] is None for name in ("architecture", "recipe", "start")):
        raise click.UsageError("Missing option '-a' / '--architecture', or '--recipe', or '--from'.")
    request = Request(values["architecture"], values["recipe"], setting_options.given_settings(values))
    request.check()
    start = given(values)
    if start is not None:
        values |= options.data_options.as_trained(values, start)
    return planned(request, lambda: options.load_data(values["data"], values), start, values["freeze"])


def record(values: Values, model: Model, data: Any, word: str) -> Start:
    """What config.json and result.json say of the start; it is also told to the user."""
    from convlet.network.word import parse, with_head
    from convlet.report.numbers import count
    from convlet.training.starting import beginning

    path, freeze = options.model_path(values["start"]), bool(values["freeze"])
    classes = tuple(data.classes)
    found = beginning(model, with_head(parse(word), len(classes)), data.image_shape, classes, freeze)
    taken = len(found.parameters)
    if not values["quiet"]:
        head = "the head is kept" if found.head == "kept" else "the head is new"
        fixed = ", the filters are frozen" if found.frozen else ""
        said = f"starts from {path}: {count(taken)} of {count(found.count)} parameters taken, {head}{fixed}"
        options.data_options.say(said)
    return {
        "model": os.path.realpath(path),
        "sha256": model.sha256(),
        "architecture": model.architecture,
        "parameters": taken,
        "of": found.count,
        "head": found.head,
        "freeze": freeze,
        "frozen_layers": found.frozen,
        "preprocessing": model.preprocessing.as_dict(),
    }


def keep(folder: Path, model: Model) -> None:
    """Put the model into the run folder."""
    from convlet.model import model_file

    model_file.save(model, folder / START)


def recorded(folder: Path, config: TrainConfig) -> Start | None:
    """What a run's config.json says of its start (see `record`), or CheckpointError; None if it has none."""
    from convlet.runs.folder import CONFIG

    known = config.get("from")
    if known is None:
        return None
    if not isinstance(known, dict) or not all(isinstance(known.get(name), str) for name in ("model", "sha256")):
        raise CheckpointError(f"{folder / CONFIG}: does not say which model the run starts from; begin a new run")
    return known


def of_run(folder: Path, config: TrainConfig) -> Model | None:
    """The model that a run starts from: the folder's own copy, or the original if there is none yet.

    Raises
    ------
    CheckpointError : neither is there, the file has changed, or the run does not say what it starts from
    """
    from convlet.model import model_file

    known = recorded(folder, config)
    if known is None:
        return None
    path = Path(known["model"]) if reading.is_missing(folder / START) else folder / START
    try:
        model = model_file.load(path).member(0)
    except ModelFileError as error:
        raise CheckpointError(f"{folder}: cannot be resumed without its start: {error}") from None
    found = model.sha256()
    if found != known["sha256"] or model.preprocessing.as_dict() != known.get("preprocessing"):
        raise CheckpointError(
            f"{path}: is not the model that {folder} starts from, whose parameters had the SHA-256 "
            f"{known['sha256'][:16]}..., but {found[:16]}...; begin a new run"
        )
    return model


def forget(folder: Path) -> None:
    """Remove the copy from a finished run."""
    (folder / START).unlink(missing_ok=True)
