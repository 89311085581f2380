"""Images of a data set as a model takes them; for commands that are given both."""

from __future__ import annotations

from typing import Any

from convlet.cli import data_options, options
from convlet.cli.values import Values
from convlet.system import reading


def load_as_trained(place: str, values: Values, model: Any) -> Any:
    """The data set at a place, with those pictures of files read as the training pictures were."""
    return options.load_data(place, data_options.as_trained({**values, "data": place}, model))


def check_shape(model: Any, data: Any, place: str) -> None:
    """Raise DataError if the images have another shape than the model's; grey or RGB makes no difference."""
    from convlet.data.inputs import times
    from convlet.errors import DataError

    grey_or_rgb = {data.image_shape[2], model.input_shape[2]} <= {1, 3}
    if data.image_shape[:2] == model.input_shape[:2] and (grey_or_rgb or data.image_shape == model.input_shape):
        return
    size = f"{model.input_shape[0]}x{model.input_shape[1]}"
    only_size = (grey_or_rgb or data.image_shape[2] == model.input_shape[2]) and reading.kind(place) == "folder"
    remedy = f"for a folder of pictures, give --size {size}" if only_size else "give images like the model's own"
    raise DataError(
        f"{data.name} has images of {times(data.image_shape)}, but the model was trained on images of "
        f"{times(model.input_shape)}; {remedy}"
    )


def in_channels(images: Any, channels: int) -> Any:
    """Images in grey or RGB, as the model takes them; other channels stay."""
    import numpy as np

    from convlet.data import pictures

    if images.dtype != np.uint8 or {images.shape[3], channels} != {1, 3}:
        return images
    return np.stack([pictures.with_channels(image, channels) for image in images])
