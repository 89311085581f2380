"""Every error a user can meet: one line that names the thing, what was expected, what came, what to do.

The command line turns a `ConvletError` into its message and its `exit_code`, never into a traceback.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class ConvletError(Exception):
    """Anything convlet refuses or fails at; the base of all its errors."""

    exit_code = 1


class InputError(ConvletError, ValueError):
    """What the user gave cannot be used."""

    exit_code = 2


class ArchitectureError(InputError):
    """An architecture that is misspelt or does not fit its images."""


class DataError(InputError):
    """Images or labels that are missing, damaged or do not fit together."""


class ModelFileError(InputError):
    """A file that is no model, or a damaged one."""


class CheckpointError(InputError):
    """A checkpoint or a run folder that training cannot go on from."""


class SettingsError(InputError):
    """A training setting outside its range."""


class RunError(ConvletError, RuntimeError):
    """A failure while running: nothing was wrong with the input."""


class DownloadError(RunError):
    """No mirror delivered the data set."""


class TrainingError(RunError):
    """Training cannot go on, for example because the loss is no longer finite."""


class PredictionError(RunError):
    """A network's output for an image is not finite, so it is no prediction.

    Parameters
    ----------
    image : which one, for people: its number, or the file it came from
    reason : what is not finite
    number : its place among the images, from 0
    """

    def __init__(self, image: str, reason: str, number: int = 0) -> None:
        self.reason, self.number = reason, number
        super().__init__(
            f"{image}: the network's output is not finite: {reason}; use pixels of the training images' range, or "
            "train the model again with a lower learning rate"
        )

    def of(self, image: str, number: int | None = None) -> PredictionError:
        """The same error for an image under another name, and in another place if `number` says so."""
        return PredictionError(image, self.reason, self.number if number is None else number)


@contextmanager
def images_called(part: str) -> Iterator[None]:
    """Name the image of a PredictionError by its part of the data, as in "test image 5"."""
    try:
        yield
    except PredictionError as error:
        raise error.of(f"{part} image {error.number}") from None
