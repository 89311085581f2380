"""Training: settings, the plan of a network in flat vectors, engines, the loop, and the model it gives."""

from convlet.training.backend import Training, backend_name, compile_ahead, kernels_of, make_engine
from convlet.training.loop import TrainingResult, train
from convlet.training.memory import check_training
from convlet.training.model import NUMERICS_VERSION, Model
from convlet.training.preprocessing import Preprocessing
from convlet.training.progress import EpochEnd, Progress
from convlet.training.settings import Settings
from convlet.training.snapshot import Snapshot
from convlet.training.threads import available_threads

__all__ = [
    "NUMERICS_VERSION",
    "EpochEnd",
    "Model",
    "Preprocessing",
    "Progress",
    "Settings",
    "Snapshot",
    "Training",
    "TrainingResult",
    "available_threads",
    "backend_name",
    "check_training",
    "compile_ahead",
    "kernels_of",
    "make_engine",
    "train",
]
