"""The checkpoints of a training in its folder: when they are written, which are kept, and which one to go on from.

checkpoint.safetensors            the newest
checkpoint-previous.safetensors   the one before it, should the newest be damaged
best.safetensors                  a model file: the parameters of the best epoch so far on validation images
history.jsonl                     a line per epoch
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

from convlet.errors import CheckpointError, RunError
from convlet.layers.base import Array
from convlet.learning.setting_table import BY_NAME
from convlet.model import model_file
from convlet.model.model import Model
from convlet.records.run import Origin
from convlet.records.training import History, epochs_of
from convlet.runs import checkpoint_file
from convlet.system import durable
from convlet.system.atomic import write_atomically
from convlet.system.reading import is_missing
from convlet.training.state import State

NEWEST, PREVIOUS = "checkpoint.safetensors", "checkpoint-previous.safetensors"
SPARE = ".convlet-previous.tmp"
"""A second name of the newest checkpoint while it is being replaced."""

BEST, HISTORY = "checkpoint-best.safetensors", "history.jsonl"

SECONDS = 60.0
"""Between two checkpoints."""

LARGEST_SHARE = 0.008
"""Of the time of training, what saving may take, reckoned with the cost of the last save. One per cent is promised; the
rest is for a save that takes longer than the one before it."""

WRITES = 6
"""Twice the files that a save writes; before the first save, its cost is reckoned from one of them."""

LONG_STEP = 1.0
"""Seconds; the end of a step as long as this is as good a moment as the end of an epoch."""

log = logging.getLogger("convlet")


class Checkpoints:
    """Keeps where one training stands; it is a `Keeper`.

    Parameters
    ----------
    folder : where the files lie; whoever makes this holds its lock
    origin : what the training is made from: everything that decides its result
    model : a model of parameters (P,) and state (S,)
    seconds : between two checkpoints; 0 for one after each step, whatever it costs
    stop : what to raise, after a checkpoint, because the program is to end; None while it is not
    """

    def __init__(
        self,
        folder: Path,
        origin: Origin,
        model: Callable[[Array, Array], Model],
        seconds: float = SECONDS,
        stop: Callable[[], BaseException | None] = lambda: None,
    ) -> None:
        self.folder, self.origin, self.model = folder, origin, model
        self.seconds, self.stop = seconds, stop
        self.cost = self.spent = 0.0
        self._begun = self._saved = self._last = monotonic()
        self._best_epoch = 0
        self._said = ""

    def begin(self) -> State | None:
        """The state in the newest whole checkpoint; None where there is no checkpoint.

        Raises
        ------
        CheckpointError : each checkpoint is damaged, or is of another training
        RunError : the history could not be written
        """
        state = newest(self.folder, self.origin)
        began = monotonic()
        write_history(self.folder, state.values["history"] if state is not None else {})
        self._begun = self._saved = self._last = monotonic()
        self.cost = WRITES * (self._begun - began)
        return state

    def after_step(self, state: Callable[[], State], epoch_ended: bool) -> None:
        """Save where it is time to; then raise what `stop` gives."""
        now = monotonic()
        stop = self.stop()
        if stop is not None or self._due(now, epoch_ended):
            self._try(state())
            self._saved = monotonic()
            self.cost = self._saved - now
            self.spent += self.cost
        self._last = monotonic()
        if stop is not None:
            raise stop

    def end(self, state: State) -> None:
        """Save where the training ended."""
        self._try(state)

    def _try(self, state: State) -> None:
        """Save; a full disk must not end hours of training, since the next save may succeed. It is said once."""
        try:
            self.save(state)
        except RunError as error:
            if str(error) != self._said:
                log.warning("no checkpoint was saved: %s; training goes on without", error)
            self._said = str(error)
        else:
            if self._said:
                log.warning("checkpoints are saved again")
            self._said = ""

    def _due(self, now: float, epoch_ended: bool) -> bool:
        if self.seconds == 0:
            return True
        if self.spent + self.cost > LARGEST_SHARE * (now - self._begun):
            return False
        since = now - self._saved
        return since >= self.seconds or epoch_ended or now - self._last >= LONG_STEP

    def save(self, state: State) -> None:
        """Write the checkpoint, the history, and the best model where it is a new one.

        At every instant one of the two checkpoints is whole, and the newer of the whole ones is the newest saved.

        Raises
        ------
        RunError : a file could not be written
        """
        newest, spare = self.folder / NEWEST, self.folder / SPARE
        try:
            linked = _second_name(newest, spare)
            if not linked and not is_missing(newest):
                durable.replace(newest, self.folder / PREVIOUS)
            checkpoint_file.save(newest, state, self.origin)
            if linked:
                durable.replace(spare, self.folder / PREVIOUS)
        except OSError as error:
            raise RunError(f"{newest}: cannot be renamed: {error.strerror or error}") from error
        write_history(self.folder, state.values["history"])
        best = state.values["best"]
        if best is not None and best["epoch"] != self._best_epoch:
            model = self.model(state.arrays["best.parameters"], state.arrays["best.state"])
            model_file.save(model, self.folder / BEST)
            self._best_epoch = best["epoch"]


def _second_name(path: Path, name: Path) -> bool:
    """Give a file a second name, so that the first can be replaced; False where there is no file, or no such names."""
    try:
        with suppress(FileNotFoundError):
            os.unlink(name)
        os.link(path, name)
        return True
    except OSError:
        return False


def newest(folder: Path, origin: Origin) -> State | None:
    """The state in the newest whole checkpoint of a folder; None where there is none at all.

    Raises
    ------
    CheckpointError : each is damaged, or the newest whole one is of another origin
    """
    damaged: CheckpointError | None = None
    for name in (NEWEST, PREVIOUS):
        path = folder / name
        if is_missing(path):
            continue
        try:
            state, made_from = checkpoint_file.load(path)
        except CheckpointError as error:
            damaged = damaged or error
            continue
        if damaged is not None:
            log.warning("%s; going on from the one before it", damaged)
        changed = changes(made_from, origin)
        if changed:
            raise CheckpointError(f"{folder}: cannot go on, because of what changed: {changed}; begin a new run")
        return state
    if damaged is not None:
        raise CheckpointError(f"{damaged}; there is no other to go on from, begin a new run")
    return None


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs between two origins, in words; empty if nothing does.

    A setting that did not exist yet when `before` was written had its default.
    """
    known, wanted = before.get("settings"), now.get("settings")
    if isinstance(known, dict) and isinstance(wanted, dict):
        newer = {name: BY_NAME[name].default for name in wanted if name in BY_NAME and name not in known}
        before = {**before, "settings": known | newer}
    return differences(before, now)


def differences(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> str:
    """What is not the same in two nested dictionaries, in words; empty where all is."""
    found = []
    for name in [*before, *(name for name in now if name not in before)]:
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            found.append(differences(old, new, f"{prefix}{name} "))
        elif old != new:
            found.append(f"{prefix}{name} ({_short(old)} before, {_short(new)} now)")
    return ", ".join(text for text in found if text)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def write_history(folder: Path, history: History) -> None:
    """One line of JSON for each epoch."""
    lines = [json.dumps(row, allow_nan=False).encode() + b"\n" for row in epochs_of(history)]
    write_atomically(folder / HISTORY, lines)
