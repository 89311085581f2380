"""Training: settings, the plan of a network in flat vectors, engines, the loop, and the model it gives."""

from convlet.training.backend import backend_name, make_engine
from convlet.training.loop import Progress, TrainingResult, train
from convlet.training.model import NUMERICS_VERSION, Model
from convlet.training.preprocessing import Preprocessing
from convlet.training.settings import Settings
from convlet.training.threads import available_threads

__all__ = [
    "NUMERICS_VERSION",
    "Model",
    "Preprocessing",
    "Progress",
    "Settings",
    "TrainingResult",
    "available_threads",
    "backend_name",
    "make_engine",
    "train",
]
