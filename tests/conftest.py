"""What all tests share: hypothesis draws the same examples in every run, Ctrl-C is heard, and NumPy uses one thread."""

import os
import signal
import sys

import pytest
from hypothesis import settings

from tests.interrupted import forget_others

settings.register_profile("convlet", derandomize=True, deadline=None, database=None, max_examples=25)
settings.load_profile("convlet")

# The matrices of tests are tiny: further threads of NumPy and PyTorch would only wait for each other, at full load.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Tests start hundreds of processes. Without kept bytecode each of them would compile all modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell starts what it puts in the background deaf to Ctrl-C, and so would be the commands that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """Files and folders that are named run in this process; the whole suite runs in as many as there are processors."""
    named = config.args_source is config.ArgsSource.ARGS
    return 0 if named or config.option.capture == "no" else None


@pytest.fixture(autouse=True)
def _own_helpers():
    """Models that session fixtures keep have threads too."""
    forget_others()


@pytest.fixture
def reference(monkeypatch):
    """Train and predict with the layers' NumPy definitions."""
    monkeypatch.setenv("CONVLET_BACKEND", "reference")
