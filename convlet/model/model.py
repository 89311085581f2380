"""A trained network: everything that is needed to predict, and nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from convlet.data.inputs import as_images
from convlet.engine.choice import make_engine
from convlet.engine.engine import Engine
from convlet.engine.memory import check_prediction
from convlet.errors import InputError, PredictionError
from convlet.layers.base import Array, Shape
from convlet.layers.sequential import Sequential
from convlet.learning.losses import softmax
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.setting_checks import short
from convlet.learning.settings import Settings
from convlet.learning.views import parse_views
from convlet.likeness import TrainingImages, prepared, unlike
from convlet.model import check
from convlet.model.finite import finite, first_not_finite, layer_not_finite
from convlet.model.lending import Engines
from convlet.network.costs import describe
from convlet.network.layout import Layout
from convlet.network.word import parse, with_head
from convlet.random import MEMBER, derived_seed
from convlet.records.conditions import SettingValues
from convlet.report.notebook.layers import layers_table
from convlet.system.threads import available_threads

if TYPE_CHECKING:
    from convlet.data.reading_rules import ReadingRules

NUMERICS_VERSION = "2"
"""Changes whenever the same seed no longer gives the same parameters. In version 1, members had seeds that count up."""

NUMERICS_VERSIONS = tuple(map(str, range(1, int(NUMERICS_VERSION) + 1)))
"""Those of models that can be used."""

SHOWN = 10
"""Classes that a notebook names."""


def member_prefixes(members: int) -> list[str]:
    """What the names of each member's arrays begin with; nothing where there is one."""
    return [f"member{number}." for number in range(1, members + 1)] if members > 1 else [""]


@dataclass(frozen=True, eq=False)
class Model:
    """A network with its parameters, the form of its images and the names of its classes.

    Several members are the same network trained from several seeds. The scores of an image are the means over all
    members and views.

    Parameters
    ----------
    architecture : the word of the network without its head
    input_shape : shape of one image (H, W, C)
    classes : the name of each class, in the order of the labels
    preprocessing : what happens to pixels before the first layer
    parameters : float32 (M P,), of the M members one after the other, in the order of `layout`; read only from here on
    state : float32 (M S,), running statistics; read only from here on
    settings : how it was trained, as in `Settings.as_dict`; the threads, which change nothing, are left out. They say
        how many members and which views there are
    numerics : the version of the arithmetic it was trained with
    training_images : what the training images were like; None if nobody measured them, as in files of version 1
    rules : how the files of the training images were read, `convlet.data.reading_rules.ReadingRules`; None if the
        images did not come from files

    Raises
    ------
    ArchitectureError : the word describes no network, or one that does not fit the images
    SettingsError : settings there are not
    InputError : a vector of another length than the network's, numbers that are not finite, a variance below 0, or any
        other part that no model has; a file of a model is refused for the same
    """

    architecture: str
    input_shape: Shape
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    parameters: Array
    state: Array
    settings: SettingValues
    numerics: str = NUMERICS_VERSION
    training_images: TrainingImages | None = None
    rules: ReadingRules | None = None

    def __post_init__(self) -> None:
        settings = Settings.from_dict(self.settings).as_dict()
        del settings["threads"]
        object.__setattr__(self, "settings", settings)
        object.__setattr__(self, "input_shape", check.image_shape(self.input_shape))
        object.__setattr__(self, "classes", check.class_names(self.classes))
        if self.numerics not in NUMERICS_VERSIONS:
            raise InputError(
                f"the model's numerics must be {' or '.join(NUMERICS_VERSIONS)}, but got {short(self.numerics)}"
            )
        for name, own in (("parameters", self.layout.parameter_count), ("state", self.layout.state_count)):
            values = check.vector(getattr(self, name), name, self.members * own, self.architecture)
            object.__setattr__(self, name, values)
        check.check(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its fields, so that it is checked again, and read only again, where it is loaded."""
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    def _repr_html_(self) -> str:
        """What the model is and a table of its layers, for notebooks."""
        names = ", ".join(self.classes[:SHOWN]) + (", ..." if len(self.classes) > SHOWN else "")
        said = f"{self.parameter_count:,} parameters, {len(self.classes)} classes: {names}"
        return f"<p>{escape(said)}</p>{layers_table(describe(self.network, self.input_shape), self.input_shape)}"

    @cached_property
    def network(self) -> Sequential:
        """The network with its head."""
        return with_head(parse(self.architecture), len(self.classes))

    @cached_property
    def layout(self) -> Layout:
        """Where each named array lies in `parameters` and `state`."""
        return Layout(self.network, self.input_shape)

    @property
    def members(self) -> int:
        """How many networks predict together."""
        return int(self.settings["members"])

    @property
    def parameter_count(self) -> int:
        """How many numbers were learned."""
        return len(self.parameters)

    def arrays(self) -> dict[str, Array]:
        """Every parameter and state array by name, in the order of the vectors: read-only views."""
        found: dict[str, Array] = {}
        for vector, views in ((self.parameters, self.layout.views), (self.state, self.layout.state_views)):
            for prefix, own in zip(member_prefixes(self.members), vector.reshape(self.members, -1), strict=True):
                found |= {prefix + name: values for name, values in views(own).items()}
        return found

    def member(self, number: int) -> Model:
        """One of the members, from 0, as a model of its own that predicts with the same views."""
        if self.members == 1:
            return self
        vectors = [vector.reshape(self.members, -1)[number] for vector in (self.parameters, self.state)]
        parameters, state = vectors
        first = self.settings["seed"]
        seed = (first + number) % 2**64 if self.numerics == "1" else derived_seed(first, MEMBER, number)
        settings = {**self.settings, "members": 1, "seed": seed}
        like = self.training_images and replace(self.training_images, scores=None)  # those are of all members together
        return replace(self, parameters=parameters, state=state, settings=settings, training_images=like)

    def logits(self, images: Array, threads: int | None = None) -> Array:
        """Return the score of each class for each image: float32 (n, classes).

        Parameters
        ----------
        images : (n, H, W, C) uint8 or float, in the pixel units of the training images
        threads : how many shards at once, None for all the machine has; it never changes a result

        Raises
        ------
        DataError : images of another shape, or values that are not finite
        SettingsError : threads out of range
        ArchitectureError : the network does not fit in the memory that is free
        PredictionError : what the network puts out for an image is not finite
        """
        images = as_images(images, "images", self.input_shape)
        threads = None if threads is None else Settings(threads=threads).threads
        if not len(images):
            return np.empty((0, len(self.classes)), np.float32)
        with self._engines.lent(threads) as engine:
            logits = self._mean_logits(engine, images)
        if not finite(logits):
            raise self.not_finite(images, logits)
        return logits

    def not_finite(self, images: Array, logits: Array) -> PredictionError:
        """The error for the first image whose logits are not finite."""
        number = first_not_finite(logits)
        reason = "a sum is too large"
        for place in range(self.members):
            one = self.member(place)
            views = one.layout.views(one.parameters), one.layout.state_views(one.state)
            x = self.preprocessing.apply(images[number : number + 1])
            found = layer_not_finite(one.network, self.input_shape, *views, x)
            if found is not None:
                reason = found if self.members == 1 else f"{found} in member {place + 1}"
                break
        return PredictionError(f"image {number}", reason, number)

    @cached_property
    def _engines(self) -> Engines:
        # it must not refer to the model: in a circle, the threads of a dropped model would wait for the collector
        network, shape, preprocessing = self.network, self.input_shape, self.preprocessing
        shard, vectors = self.settings["shard"], (self.parameters, self.state)
        several = self.members > 1

        def make(threads: int | None) -> Engine:
            threads = threads or available_threads()
            check_prediction(network, shape, shard, threads)
            engine = make_engine(network, shape, preprocessing, shard=shard, threads=threads, seed=0)
            if not several:  # else they are loaded in turn
                engine.load(*vectors)
            return engine

        return Engines(make)

    def __getstate__(self) -> dict[str, object]:
        """What a copy or a pickle holds: all but the engines, which hold threads and addresses."""
        return {name: value for name, value in self.__dict__.items() if name != "_engines"}

    def _mean_logits(self, engine: Engine, images: Array) -> Array:
        """The mean over members and views, which are added in order."""
        views = parse_views(self.settings["views"])
        total: Array | None = None
        for parameters, state in zip(
            self.parameters.reshape(self.members, -1), self.state.reshape(self.members, -1), strict=True
        ):
            if self.members > 1:
                engine.load(parameters, state)
            for view in views:
                logits = engine.logits(view.show(images))
                total = logits if total is None else total + logits
        assert total is not None  # there is a member and a view
        return total if self.members * len(views) == 1 else total / np.float32(self.members * len(views))

    def probabilities(self, images: Array, threads: int | None = None) -> Array:
        """Return the probability of each class for each image: float32 (n, classes). See `logits`."""
        return softmax(self.logits(images, threads))

    def predict(self, images: Array, threads: int | None = None) -> Array:
        """Return the number of the most probable class of each image: int64 (n,). See `logits`."""
        return self.logits(images, threads).argmax(axis=1).astype(np.int64)

    def unlike(self, images: Array, logits: Array | None = None) -> list[list[str]]:
        """For each image what is unlike the training images, in words; an empty list if nothing is, or not known.

        Parameters
        ----------
        images : (n, H, W, C) uint8 or float, in the pixel units of the training images
        logits : float32 (n, classes) of these images, if they are there already; None to compute them

        Raises
        ------
        DataError : images of another shape, or values that are not finite
        """
        images = as_images(images, "images", self.input_shape)
        if self.training_images is None or not len(images):
            return [[] for _ in images]
        if logits is None and self.training_images.scores is not None:
            logits = self.logits(images)
        return unlike(images, self.training_images, logits)

    def prepare(self, image: Any) -> Array:
        """Make a picture of writing as the training images are: one image (H, W, C) to give to `predict`.

        The ground is taken away, dark ink on light becomes light ink on dark (or the reverse), what is drawn is cut
        out, scaled, thickened if it is thin, and centred. A picture that is like the training images is only resized.

        Parameters
        ----------
        image : (h, w), (h, w, 1) or (h, w, 3) numbers, of any size from 1x1 on

        Raises
        ------
        DataError : an image of another shape, or values that are not finite
        """
        return prepared(image, self.training_images, self.input_shape).pixels

    def sha256(self) -> str:
        """Return the SHA-256 of the parameters and the state, little-endian float32, in hexadecimal."""
        digest = hashlib.sha256(self.parameters.astype("<f4").tobytes())
        digest.update(self.state.astype("<f4").tobytes())
        return digest.hexdigest()
