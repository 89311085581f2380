"""The header of a model file: made from a model, and read back with every part checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convlet.errors import ArchitectureError, InputError, SettingsError
from convlet.layers.base import Array, Shape
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.likeness import TrainingImages
from convlet.model.check import SIDE_LIMIT
from convlet.model.model import NUMERICS_VERSION, NUMERICS_VERSIONS, Model, member_prefixes
from convlet.network.layout import Layout
from convlet.network.word import parse, with_head
from convlet.records.conditions import SettingValues
from convlet.system.reading import Unchecked
from convlet.system.sealed import Kind, as_json, check_arrays, encode_header, parse_header, refuse, strict_json, whole

if TYPE_CHECKING:
    from convlet.data.reading_rules import ReadingRules

FORMAT = "convlet-model"

KIND = Kind("model", "model.safetensors", file_limit=2**30, header_limit=2**20)

FIRST = ("format", "version", "numerics", "architecture", "input_shape", "classes", "preprocessing", "settings")
KEYS = {"1": (*FIRST, "sha256"), "2": (*FIRST, "training_images", "rules", "sha256")}
"""The keys of the metadata, in their order, for each version of the format that can be read."""

VERSION = "2"
"""The version that is written."""


def encode(model: Model) -> bytes:
    """Return the header of a model, with a checksum of zeros."""
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "numerics": model.numerics,
        "architecture": model.architecture,
        "input_shape": as_json(list(model.input_shape)),
        "classes": as_json(list(model.classes)),
        "preprocessing": as_json(model.preprocessing.as_dict()),
        "settings": as_json(model.settings),
        "training_images": as_json(model.training_images.as_dict() if model.training_images else None),
        "rules": as_json(model.rules.as_dict() if model.rules else None),
    }
    return encode_header(metadata, model.arrays())


def decode(text: bytes, payload: Array) -> Model:
    """Return the model that a header and its arrays describe; raises Refused where they describe none.

    Parameters
    ----------
    text : the header as it stands in the file
    payload : float32, the values of all arrays; read only
    """
    metadata, entries = parse_header(text, KIND)
    _check_metadata(metadata)
    architecture = metadata["architecture"]
    shape, classes = _input_shape(metadata), _classes(metadata)
    try:
        preprocessing = Preprocessing.from_dict(strict_json(metadata["preprocessing"], KIND))
    except ValueError as error:
        refuse(f"has unusable preprocessing: {error}")
    settings = _settings(metadata)
    check_arrays(entries, 4 * len(payload), KIND)
    try:
        layout = Layout(with_head(parse(architecture), len(classes)), shape)
    except ArchitectureError as error:
        refuse(f"has an unusable architecture: {error}")
    members = settings["members"]
    _check_names(entries, layout, members)
    values = payload.astype(np.float32, copy=False)
    count = members * layout.parameter_count
    parameters, state = values[:count], values[count:]
    form = (architecture, shape, classes, preprocessing, parameters, state, settings, metadata["numerics"])
    try:
        return Model(*form, _training_images(metadata), _rules(metadata))
    except InputError as error:
        refuse(str(error).removeprefix("the model "))


def _check_metadata(metadata: dict[str, str]) -> None:
    """Refuse another format, a version that is not known, or other keys than that version has."""
    if metadata.get("format") != FORMAT:
        refuse(f"is no convlet model: expected the format '{FORMAT}' in its metadata")
    if metadata.get("version") not in KEYS:
        refuse(f"has a version this convlet does not know, expected {' or '.join(KEYS)}; update convlet")
    keys = KEYS[metadata["version"]]
    if set(metadata) != set(keys):
        refuse(f"has metadata other than {', '.join(keys)}")
    if metadata["numerics"] not in NUMERICS_VERSIONS:
        refuse(
            f"has a numerics version this convlet does not know, expected at most {NUMERICS_VERSION}; update convlet"
        )


def _input_shape(metadata: dict[str, str]) -> Shape:
    shape = strict_json(metadata["input_shape"], KIND)
    if not isinstance(shape, list) or len(shape) != 3 or not all(whole(side, 1, SIDE_LIMIT) for side in shape):
        refuse(f"has an unusable input shape: expected three whole numbers from 1 to {SIDE_LIMIT}")
    return tuple(shape)


def _classes(metadata: dict[str, str]) -> tuple[str, ...]:
    classes = strict_json(metadata["classes"], KIND)
    if not isinstance(classes, list) or len(classes) < 2 or not all(isinstance(name, str) for name in classes):
        refuse("has unusable classes: expected a list of at least 2 names")
    return tuple(classes)


def _settings(metadata: dict[str, str]) -> SettingValues:
    settings = strict_json(metadata["settings"], KIND)
    if not isinstance(settings, dict):
        refuse("has unusable settings: expected a JSON object")
    try:
        return Settings.from_dict(settings).as_dict()
    except SettingsError as error:
        refuse(f"has unusable settings: {error}")


def _training_images(metadata: dict[str, str]) -> TrainingImages | None:
    values = strict_json(metadata.get("training_images", "null"), KIND)
    try:
        return None if values is None else TrainingImages.from_dict(values)
    except ValueError as error:
        refuse(f"has an unusable description of its training images: {error}")


def _rules(metadata: dict[str, str]) -> ReadingRules | None:
    from convlet.data.reading_rules import ReadingRules  # data is a large room, which training need not load

    values = strict_json(metadata.get("rules", "null"), KIND)
    try:
        return None if values is None else ReadingRules.from_dict(values)
    except ValueError as error:
        refuse(f"has unusable rules for reading pictures: {error}")


def _check_names(entries: Unchecked, layout: Layout, members: int) -> None:
    """Refuse arrays that are not the architecture's own, of so many members, in its own order."""
    expected: dict[str, Shape] = {}
    for names, shapes in ((layout.names, layout.shapes), (layout.state_names, layout.state_shapes)):
        for prefix in member_prefixes(members):
            expected |= {prefix + name: shape for name, shape in zip(names, shapes, strict=True)}
    found = {name: tuple(entry["shape"]) for name, entry in entries.items()}
    if list(found.items()) == list(expected.items()):
        return
    for name in [*expected, *found]:
        if found.get(name) != expected.get(name):
            refuse(
                f"array {name!r:.60} does not fit the architecture: expected "
                f"{expected.get(name, 'none of that name')}, but got {found.get(name, 'none')}"
            )
    refuse("has its arrays in another order than its architecture")
