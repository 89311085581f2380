"""Training: settings, the plan of a network in flat vectors, engines, the loop, and the model it gives."""

from convlet.engine.choice import Training, backend_name, compile_ahead, kernels_of, make_engine
from convlet.engine.memory import check_training
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.model.model import NUMERICS_VERSION, Model
from convlet.system.threads import available_threads
from convlet.training.loop import TrainingResult, train
from convlet.training.progress import EpochEnd, Progress
from convlet.training.snapshot import Snapshot

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
