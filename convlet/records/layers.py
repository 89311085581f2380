"""`convlet inspect --json`: the layers of a network, and what a model file says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from convlet.records.conditions import SettingValues
from convlet.records.model import Scaling


class LayerRow(TypedDict):
    """What `convlet.network.costs.describe` says about one layer; numbers are per image, in float32."""

    token: str
    kind: str
    output_shape: Sequence[int]
    parameters: int
    activation_bytes: int
    multiply_adds: int


class ModelFacts(TypedDict, total=False):
    """What only a model file has. `arrays` are the shapes by name."""

    classes: list[str]
    sha256: str
    members: int
    settings: SettingValues
    preprocessing: Scaling
    numerics: str
    file_bytes: int
    arrays: dict[str, list[int]]


class Inspection(ModelFacts):
    """A model file, or an architecture string with the input shape (H, W, C) that was given."""

    architecture: str
    input_shape: list[int]
    layers: list[LayerRow]
