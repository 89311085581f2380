"""What a run folder says about its run: config.json, the origin of a training, and what `convlet runs` lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

from convlet.records.conditions import Machine, SettingValues, Versions
from convlet.records.data import DataFacts, ImageFacts, Rules
from convlet.records.model import Scaling


class StartFacts(TypedDict):
    """What a training took from the model it started from, wherever that is."""

    sha256: str
    architecture: str
    parameters: int
    of: int
    head: str
    freeze: bool
    frozen_layers: int
    preprocessing: Scaling


class Start(StartFacts):
    """The same with the path of the model."""

    model: str


class Loading(TypedDict):
    """What it takes to load the data of a run again: places, and the options of data that were given."""

    data: str
    then: str | None
    size: Sequence[int] | None
    train_images: int | None
    validation: float
    labels: NotRequired[str]
    file_column: NotRequired[str]
    label_column: NotRequired[str]
    label_pattern: NotRequired[str]
    group_pattern: NotRequired[str]
    class_level: NotRequired[int]
    image_shape: NotRequired[Sequence[int]]
    transpose: NotRequired[bool]
    skip_unreadable: NotRequired[bool]
    pictures: NotRequired[str]
    rules: NotRequired[Rules]


FromFacts = TypedDict("FromFacts", {"from": NotRequired[StartFacts]})
FromStart = TypedDict("FromStart", {"from": NotRequired[Start]})
"""`from` is a keyword of Python, so it stands apart. It is left out if a training begins anew."""


class TrainOrigin(FromFacts):
    """Everything that decides the result of a training."""

    data: ImageFacts
    architecture: str
    settings: SettingValues
    numerics: str
    engine: str


class EntryFacts(TypedDict):
    """A network of a comparison: its label, its architecture string and the settings that are its own."""

    label: str
    architecture: str
    settings: SettingValues


class CompareOrigin(TypedDict):
    """Everything that decides the result of a comparison. `given` are the settings that the user gave."""

    data: ImageFacts
    then: ImageFacts | None
    entries: list[EntryFacts]
    given: SettingValues
    repeats: int


Origin = Mapping[str, Any]
"""What a checkpoint or a result was made from, as JSON: it is compared with a `TrainOrigin`, nothing more."""


class TrainConfig(FromStart):
    """config.json of `convlet train`."""

    kind: Literal["train"]
    data: DataFacts
    architecture: str
    settings: SettingValues
    recipe: str | None
    machine: Machine
    versions: Versions
    command: str
    origin: TrainOrigin
    loading: Loading


class CompareConfig(TypedDict):
    """config.json of `convlet compare`."""

    kind: Literal["compare"]
    machine: Machine
    versions: Versions
    command: NotRequired[str]
    origin: CompareOrigin
    loading: Loading


RunConfig = TrainConfig | CompareConfig


class RunFacts(TypedDict):
    """A row of `convlet runs`: see `convlet.runs.listing.describe`."""

    run: str
    kind: str | None
    data: str | None
    networks: list[str]
    state: str
    detail: str
    validation_error: float | None
    test_error: float | None
