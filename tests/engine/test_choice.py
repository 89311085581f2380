"""Which engine runs, and what training loads when it is imported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from convlet.engine import choice
from convlet.engine.choice import Training, backend_name, kernels_of, make_engine
from convlet.engine.reference import ReferenceEngine
from convlet.errors import SettingsError
from convlet.kernels.compiler import machine_code
from convlet.learning.optimizers import Adam
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.training.loop import train
from tests.training.examples import CLASSES, SHAPE, network, stripes


@pytest.mark.parametrize(
    ("value", "name"),
    [(None, "compiled"), ("", "compiled"), ("compiled", "compiled"), ("reference", "reference")],
)
def test_the_environment_names_the_engine(monkeypatch, value, name):
    monkeypatch.delenv("CONVLET_BACKEND", raising=False)
    if value is not None:
        monkeypatch.setenv("CONVLET_BACKEND", value)
    assert backend_name() == name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("numba", "CONVLET_BACKEND must be compiled or reference, but got 'numba'"),
        (
            "Reference",
            "CONVLET_BACKEND must be compiled or reference, but got 'Reference'; did you mean 'reference'?",
        ),
    ],
)
def test_an_unknown_engine_is_refused(monkeypatch, value, text):
    monkeypatch.setenv("CONVLET_BACKEND", value)
    with pytest.raises(SettingsError) as caught:
        backend_name()
    assert str(caught.value) == text


@pytest.mark.usefixtures("reference")
def test_the_engine_is_made_for_the_network_it_is_given():
    engine = make_engine(network("conv2-relu"), SHAPE, Preprocessing((1.0,), (2.0,)), shard=4, threads=2, seed=7)
    assert type(engine) is ReferenceEngine
    assert (engine.shard, engine.threads, engine.seed) == (4, 2, 7)
    assert engine.layout.names[0] == "0.conv.weights"
    assert engine.parameters.shape == engine.gradient.shape == (engine.layout.parameter_count,)
    engine.close()


def test_importing_training_loads_nothing_heavy():
    heavy = "{'numba', 'llvmlite', 'sklearn', 'rich', 'safetensors', 'PIL', 'pooch'}"
    program = f"import sys, convlet.training, convlet.model.model_file; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.usefixtures("reference")
def test_the_reference_compiles_nothing_ahead():
    training = Training(network("conv2"), stripes(1).images, Adam(), 8)
    assert kernels_of([training]) == []


def test_trainings_share_their_kernels():
    one = Training(network("conv2"), stripes(1).images, Adam(), 8)
    alone = kernels_of([one])
    assert kernels_of([one, one]) == alone
    assert (
        len(alone) < len(kernels_of([one, Training(network("conv3"), stripes(1).images, Adam(), 8)])) < 2 * len(alone)
    )


@pytest.mark.parametrize("package", ["numba", "llvmlite"])
@pytest.mark.parametrize("how", ["hidden", "refused", "absent"])
def test_without_numba_numpy_runs_everything(package, how, monkeypatch, caplog):
    def find(name):
        if name == package and how == "refused":
            raise ModuleNotFoundError(name)
        if name == package and how == "hidden":
            raise ValueError(f"{name}.__spec__ is not set")
        return None if name == package else object()

    monkeypatch.setattr(machine_code, "find_spec", find)
    monkeypatch.delenv("CONVLET_BACKEND", raising=False)
    forget()
    assert backend_name() == "reference"
    for _ in range(2):
        train(network("conv2"), stripes(8), classes=CLASSES, settings=Settings())
    assert caplog.messages == [
        f"{package} is not installed: networks run in plain NumPy, many times slower than compiled; "
        "'pip install --upgrade numba' may help"
    ]
    monkeypatch.setenv("CONVLET_BACKEND", "compiled")
    with pytest.raises(SettingsError) as caught:
        backend_name()
    assert str(caught.value) == (
        f"CONVLET_BACKEND is 'compiled', but {package} is not installed; "
        "'pip install --upgrade numba' may help, or unset CONVLET_BACKEND"
    )


@pytest.mark.parametrize("package", ["numba", "llvmlite.binding"])
def test_a_numba_that_cannot_be_loaded_is_named_with_its_own_words(package, tmp_path, monkeypatch):
    def load(name):
        if name == package:
            raise ImportError("Numba needs NumPy 2.4 or less.\nGot NumPy 2.9.")

    monkeypatch.setattr(machine_code.importlib, "import_module", load)
    monkeypatch.setenv("CONVLET_CACHE", str(tmp_path))
    forget()
    name = package.partition(".")[0]
    assert machine_code.obstacle() == f"{name} cannot be loaded (Numba needs NumPy 2.4 or less. Got NumPy 2.9.)"


@pytest.mark.usefixtures("reference")
def test_the_reference_says_once_that_it_is_slow(caplog):
    forget()
    for _ in range(2):
        make_engine(network("conv2"), SHAPE, Preprocessing((1.0,), (2.0,)), shard=4, threads=1, seed=7)
    assert caplog.messages == [
        "CONVLET_BACKEND is 'reference': networks run in plain NumPy, many times slower than compiled"
    ]


def forget():
    """Look for Numba again, and say again what is found."""
    machine_code.obstacle.cache_clear()
    choice._say_slow.cache_clear()


@pytest.fixture(autouse=True)
def _forget_afterwards():
    yield
    forget()


def test_every_command_runs_where_numba_and_llvmlite_cannot_be_imported(tmp_path):
    program = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('numba', 'llvmlite'):\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "from convlet.cli import main\n"
        "sys.exit(main())\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "CONVLET_BACKEND"}

    def convlet(*arguments):
        command = [sys.executable, "-c", program, *arguments]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)

    slow = (
        "numba is not installed: networks run in plain NumPy, many times slower than compiled; "
        "'pip install --upgrade numba' may help\n"
    )
    folder = str(tmp_path / "run")
    trained = convlet("train", "digits", "-a", "pool-conv2", "--epochs", "1", "--output", folder, "--quiet")
    assert (trained.returncode, trained.stderr) == (0, slow)
    model = f"{folder}/model.safetensors"
    evaluated = convlet("evaluate", model, "digits")
    assert (evaluated.returncode, evaluated.stderr) == (0, slow)
    assert convlet("inspect", model).returncode == 0
    assert convlet("data", "list").returncode == 0
    cache = convlet("cache", "info")
    assert (cache.returncode, cache.stderr) == (
        1,
        "convlet: numba is not installed, so no kernels are compiled or kept; 'pip install --upgrade numba' may help\n",
    )
