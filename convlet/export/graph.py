"""A trained model as a plain list of inference operations, which every target of an export walks.

Values are numbered: value 0 is the standardised image, and operation k (from 0) gives value k + 1. An operation reads
values that were given before it. The last value is the logits of one member for one view. Shapes are those of one
example, (H, W, C) or (K,), in the order of convlet: rows, columns, channels. `channels_first` turns the arrays for
programs whose images are (C, H, W).

All members of an ensemble do the same operations with arrays of their own, so operations name their arrays and the
graph holds them, member by member. Batch normalisation stays an operation of its own, so that a file holds the numbers
of the model. Folded into the convolutions it would gain nothing: of 60 networks in ONNX Runtime, which folds it itself,
the logits were as near (largest difference 5.1e-7 of their spread); with folding off as well, 6.2e-7 against 5.2e-7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from convlet.export.lowering import lowered
from convlet.export.operations import Operation
from convlet.layers.base import Array
from convlet.learning.views import View, parse_views
from convlet.likeness import TrainingImages
from convlet.model.model import Model, member_prefixes

if TYPE_CHECKING:
    from convlet.data.reading_rules import ReadingRules

HIGHEST_BYTE = 255


@dataclass(frozen=True, eq=False)
class Graph:
    """Everything that belongs to a prediction.

    The logits of an image are the mean over members and views; members come first, views of each in order.

    Parameters
    ----------
    architecture, input_shape, classes : as in `Model`
    sha256 : of the parameters and the state, `Model.sha256`
    scale, offset : float32 (C,); a standardised pixel is pixel * scale + offset
    operations : in the order in which they are done
    members : for each member its float32 arrays by name, such as "0.conv.weights"
    views : how an image is shown, before or after it is standardised; the first is the image as it is
    training_images, rules : as in `Model`; what a target does not carry of them it must say
    """

    architecture: str
    input_shape: tuple[int, int, int]
    classes: tuple[str, ...]
    sha256: str
    scale: Array
    offset: Array
    operations: tuple[Operation, ...]
    members: tuple[Mapping[str, Array], ...]
    views: tuple[View, ...]
    training_images: TrainingImages | None
    rules: ReadingRules | None

    EXTRAS: ClassVar[Mapping[str, str]] = {
        "prepare": "preparing pictures",
        "unlike": "saying what is unlike the training images",
        "reject": "the confidence to reject below",
        "rules": "how picture files are read",
    }
    """What a model may know beside its network, in words."""

    @property
    def extras(self) -> tuple[str, ...]:
        """Which of EXTRAS the model has."""
        like = self.training_images
        has = {
            "prepare": like is not None and like.drawn,
            "unlike": like is not None,
            "reject": like is not None and like.scores is not None,
            "rules": self.rules is not None and self.rules != type(self.rules)(),  # the default is a plain picture
        }
        return tuple(name for name in self.EXTRAS if has[name])

    def not_carried(self, carried: frozenset[str]) -> str | None:
        """One line that names what the model has and a target that carries these does not; None if nothing."""
        left = [self.EXTRAS[name] for name in self.extras if name not in carried]
        return f"not carried: {', '.join(left)}" if left else None

    @property
    def takes_bytes(self) -> bool:
        """Whether the pixels that the model was trained on can be uint8, as far as the model knows."""
        like = self.training_images
        if like is None:
            return True
        whole = like.low == int(like.low) and like.high == int(like.high)
        return whole and like.low >= 0 and 1 < like.high <= HIGHEST_BYTE

    def readers(self, value: int) -> list[int]:
        """The numbers of the operations that read a value."""
        return [number for number, operation in enumerate(self.operations) if value in operation.reads]


def graph_of(model: Model) -> Graph:
    """Return the graph of a model.

    Raises
    ------
    ArchitectureError : a layer that has no rule here
    """
    height, width, channels = model.input_shape
    operations = lowered(model.network, model.input_shape)
    arrays, members = model.arrays(), []
    for prefix in member_prefixes(model.members):
        members.append({name: arrays[prefix + name] for one in operations for name in one.array_names})
    return Graph(
        model.architecture,
        (height, width, channels),
        model.classes,
        model.sha256(),
        model.preprocessing.scale,
        model.preprocessing.offset,
        operations,
        tuple(members),
        parse_views(model.settings["views"]),
        model.training_images,
        model.rules,
    )
