"""Which engine runs, and what training loads when it is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from convlet.errors import SettingsError
from convlet.training import Preprocessing, backend, backend_name, make_engine
from convlet.training.optimizers import Adam
from convlet.training.reference import ReferenceEngine
from tests.training.examples import SHAPE, network, stripes


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
    program = f"import sys, convlet.training, convlet.model_file; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_compiling_ahead_runs_every_part_of_a_training_once(monkeypatch):
    done = []

    class Recorder(ReferenceEngine):
        def gradients(self, images, labels, batch, **place):
            done.append(("gradients", len(images), self.threads))
            return super().gradients(images, labels, batch, **place)

        def update(self, optimizer, slots, learning_rate, step):
            done.append(("update", optimizer, step))
            super().update(optimizer, slots, learning_rate, step)

        def logits(self, images):
            done.append(("logits", len(images)))
            return super().logits(images)

        def close(self):
            done.append(("close",))

    images, adam, scaling = stripes(5).images, Adam(), Preprocessing((1.0,), (2.0,))
    monkeypatch.setenv("CONVLET_BACKEND", "reference")
    backend.compile_ahead(network("conv2-relu"), SHAPE, scaling, images, adam, 8)
    assert done == []  # nothing to compile
    monkeypatch.setenv("CONVLET_BACKEND", "compiled")
    monkeypatch.setitem(backend.BACKENDS, "compiled", (__name__, "Recorder"))
    monkeypatch.setitem(globals(), "Recorder", Recorder)
    backend.compile_ahead(network("conv2-relu"), SHAPE, scaling, images, adam, 8)
    assert done == [("gradients", 1, 1), ("update", adam, 1), ("logits", 1), ("close",)]
