"""Options that several commands share, and what becomes of them."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import click
from click.core import ParameterSource

from convlet.cli import data_options
from convlet.cli.values import Values
from convlet.errors import InputError, RunError, SettingsError
from convlet.records.run import Loading
from convlet.system import atomic, reading
from convlet.system.atomic import write_json

__all__ = ["write_json"]

Command = Callable[..., Any]


class Size(click.ParamType):
    """Height and width as `32x32`."""

    name = "HxW"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(\d{1,4})x(\d{1,4})", value)
        if not found or not all(1 <= int(n) <= 1024 for n in found.groups()):
            self.fail(f"'{value}' is not a size: expected height x width from 1x1 to 1024x1024, as in 32x32")
        return int(found[1]), int(found[2])


DATA = (
    click.option("--train-images", type=int, metavar="N", help="Train on a stratified subset of N images."),
    click.option(
        "--validation",
        type=float,
        default=0.1,
        show_default=True,
        help="Fraction of the training images held out for validation.",
    ),
    click.option(
        "--size", type=Size(), help="Resize pictures read from files, as in 32x32; it also allows larger photos."
    ),
    click.option("--offline", is_flag=True, help="Never download."),
    *data_options.PLACE,
)

INPUT_HELP = "Image shape: height x width x channels."
RUN = (
    click.option("--resume", metavar="RUN", help="Resume the run in this folder."),
    click.option(
        "--save-every",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        help="Seconds between two checkpoints; 0 saves after each step.  [default: 60]",
    ),
)


def add(options: tuple[Callable[[Command], Command], ...]) -> Callable[[Command], Command]:
    """A decorator that adds these options in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def input_shape(text: str) -> tuple[int, int, int]:
    """Height, width and channels of `28x28x1`; without channels, one."""
    found = re.fullmatch(r"(\d{1,4})x(\d{1,4})(?:x(\d{1,3}))?", text)
    if not found or any(side is not None and int(side) == 0 for side in found.groups()):
        raise InputError(f"--input '{text}': expected height x width x channels, as in 28x28x1")
    return int(found[1]), int(found[2]), int(found[3] or 1)


def load_data(name: str, values: Values) -> Any:
    """The data set, as the data options say."""
    from convlet import data

    return data.load(
        name,
        size=values.get("size"),
        offline=values.get("offline", False),
        train_images=values.get("train_images"),
        validation=values.get("validation", 0.1),
        # a run that is resumed has said it when it began
        say=(lambda line: None) if values.get("quiet") or values.get("resume") else data_options.say,
        **data_options.choices(values),
    )


def model_path(path: str) -> Path:
    """The model file that was given; of a run folder, the one that it holds."""
    from convlet.errors import ModelFileError
    from convlet.runs.folder import COMPARISON, CONFIG, MODEL

    folder = Path(path)
    if reading.kind(path) != "folder":
        return folder
    if not reading.is_missing(folder / MODEL):
        return folder / MODEL
    if not reading.is_missing(folder / COMPARISON):
        names = [one.name for one in reading.entries(folder, ModelFileError) if one.suffix == ".safetensors"]
        raise ModelFileError(f"{path}: is a comparison; give one of its models, as in {folder / (names or [MODEL])[0]}")
    if not reading.is_missing(folder / CONFIG):
        raise ModelFileError(f"{path}: is a run without a {MODEL} yet; finish it with --resume")
    raise ModelFileError(f"{path}: is a folder without a {MODEL}; give a model file or the folder of a run")


def typed() -> str:
    """The command as the user typed it."""
    return shlex.join(["convlet", *click.get_current_context().find_root().obj])


def resumed_folder(values: Values) -> Path:
    """The folder of --resume."""
    from convlet.runs.folder import read_config

    if values["output"]:
        raise SettingsError("--resume and --output were both given; a run goes on in its own folder")
    folder = Path(values["resume"])
    read_config(folder)
    return folder


def how_to_go_on(command: str, folder: Path) -> str:
    """What to type after an interruption."""
    return f"convlet: go on with 'convlet {command} --resume {shlex.quote(str(folder))}'"


@contextmanager
def resumable(command: str, folder: Path) -> Iterator[None]:
    """Say, where the user or the system ends what is done inside, how it goes on."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"\n{how_to_go_on(command, folder)}", err=True)
        raise


def save_seconds(values: Values) -> float:
    """Seconds between two checkpoints."""
    from convlet.runs.checkpoints import SECONDS

    return SECONDS if values["save_every"] is None else float(values["save_every"])


def loading(values: Values) -> Loading:
    """What it takes to load the same data again, from any folder."""
    names = {key: values.get(name) for key, name in (("data", "data"), ("then", "then_data"))}
    found = {key: os.path.realpath(name) if name and _is_place(name) else name for key, name in names.items()}
    found |= {name: values.get(name) for name in ("size", "train_images", "validation")}
    return cast(Loading, found | data_options.kept(values))  # the options of data have the names of its keys


def _is_place(name: str) -> bool:
    """Whether data is a path: of something there, or how names of files begin, as in FOLDER/emnist-letters."""
    return reading.kind(name) is not None or (os.sep in name and reading.kind(os.path.dirname(name)) == "folder")


def as_before(values: Values, before: Mapping[str, Any]) -> None:
    """Take from the run to go on with (see `loading`) what was not given again."""
    given = click.get_current_context().get_parameter_source
    renamed = {"then": "then_data"}
    for key, value in before.items():
        name = renamed.get(key, key)
        known = name in values or key == "rules"  # which no option gives
        if known and given(name) in (None, ParameterSource.DEFAULT):
            values[name] = tuple(value) if key in ("size", "image_shape") and value else value


def check_file(path: str | None, option: str) -> None:
    """Refuse, before any work, a file that could not be written after it."""
    if path is not None:
        atomic.check_file(path, f"{option} {path}")


def check_folder(path: str | Path | None, option: str) -> None:
    """Refuse, before any work, a folder that could not be made, holds files already, or takes none."""
    if path is None:
        return
    folder = Path(path)
    if not reading.is_missing(folder):
        if reading.kind(folder) == "folder" and any(not one.name.startswith(".") for one in reading.entries(folder)):
            raise InputError(f"{option} {path}: already exists and is not empty; give another name")
        if reading.kind(folder) == "file":
            raise InputError(f"{option} {path}: is a file; give the name of a folder")
    atomic.check_folder(folder, f"{option} {path}")


def free_folder(wanted: Path) -> Path:
    """The folder, or the first of folder-2, folder-3, ... that is not there yet."""
    folder, number = wanted, 1
    while not reading.is_missing(folder):
        number += 1
        folder = wanted.with_name(f"{wanted.name}-{number}")
    return folder


def new_folder(path: str | Path, option: str) -> Path:
    """Make a folder for results; one that already holds files is refused.

    Hidden ones do not count: a run that was killed at its very beginning leaves its lock.
    """
    check_folder(path, option)
    try:
        Path(os.path.realpath(path)).mkdir(parents=True, exist_ok=True)  # also what a link leads to
    except OSError as error:
        raise RunError(f"{option} {path}: cannot be made: {error.strerror or error}") from None
    return Path(path)


def positive(name: str, value: int) -> int:
    """The value, or SettingsError where it is below 1."""
    if value < 1:
        raise SettingsError(f"{name} must be a whole number from 1, but got {value}")
    return value
