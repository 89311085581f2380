"""Every error a user can meet: one line that names the thing, what was expected, what came, what to do.

The command line turns a `ConvletError` into its message and its `exit_code`, never into a traceback.
"""


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
