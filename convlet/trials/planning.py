"""What one training will be: its data, architecture and settings, refused before any work if they cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from convlet.data.dataset import Dataset
from convlet.learning.settings import Settings
from convlet.model.model import Model
from convlet.network.word import format_word, parse
from convlet.recipes.presets import Entry, settings_for
from convlet.recipes.recipe import entry_for, recipe
from convlet.records.conditions import SettingValues
from convlet.trials.trial import check_fits


@dataclass(frozen=True)
class Request:
    """What a user asked for.

    architecture : an architecture string; None for the recipe's, or that of the model to start from
    recipe : the name of a recipe; None for none
    given : the settings that were given, by name
    """

    architecture: str | None
    recipe: str | None
    given: SettingValues

    def check(self) -> None:
        """Refuse what can be refused without data. Raises ArchitectureError or SettingsError."""
        if self.architecture is not None:
            parse(self.architecture)
        if self.recipe is not None:
            recipe(self.recipe)
        settings_for(Entry("", ""), 1, self.given)


@dataclass(frozen=True)
class Planned:
    """One training: the architecture string, the settings, and the model to start from or None."""

    data: Dataset
    architecture: str
    settings: Settings
    start: Model | None = None


def planned(request: Request, load: Callable[[], Dataset], start: Model | None = None, freeze: bool = False) -> Planned:
    """The training that a request describes: what was given, else the recipe's, else the start's, else the defaults.

    Parameters
    ----------
    load : gives the data set; called only if everything else can be used
    start, freeze : as in `convlet.train`

    Raises
    ------
    ArchitectureError, SettingsError, DataError : something cannot be used; see `check_fits`
    """
    request.check()
    word = format_word(parse(request.architecture)) if request.architecture is not None else None
    if word is None and request.recipe is None and start is not None:
        word = start.architecture
    data = load()
    entry = Entry(word or "", word or "")
    if request.recipe is not None:
        entry = entry_for(request.recipe, data.image_shape, len(data.train), data.pictures)
    word = word or entry.architecture
    settings = settings_for(entry, len(data.train), request.given)
    check_fits(word, settings, data, start, freeze)
    return Planned(data, word, settings, start)
