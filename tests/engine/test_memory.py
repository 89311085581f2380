"""Networks that would not fit in the memory that is free."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.cli import main
from convlet.engine import memory
from convlet.engine.choice import make_engine
from convlet.engine.memory import check_prediction, check_training
from convlet.errors import ArchitectureError
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.model.model import Model
from convlet.recipes.presets import Entry
from convlet.training.loop import train
from convlet.trials.comparison import Comparison
from tests.training.examples import CLASSES, SHAPE, network, stripes

MIB = 2**20


@pytest.fixture
def little(monkeypatch):
    """3 MiB are free."""
    monkeypatch.setattr(memory, "available_bytes", lambda: 3 * MIB)


BIG = "dense3000-dense1000"


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize(("backend", "rows"), [("compiled", 3), ("reference", 5)])
def test_what_does_not_fit_is_refused_with_the_size_needed(backend, rows, monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", backend)
    monkeypatch.setattr(memory, "_workspace", lambda net, shape, shard, training: ((1 + 2 * training) * MIB, 5 * MIB))
    one = 4 * model().parameter_count / MIB  # parameters, gradient, decay, two slots, model, snapshot with two slots
    with pytest.raises(ArchitectureError) as caught:
        check_training(network(BIG), SHAPE, Settings(batch=64), 40, 2)
    assert str(caught.value) == (
        f"{BIG}: training with a batch of 40 on 2 threads needs {(9 + rows) * one + 5 + 8:.1f} MiB of memory "
        f"({(9 + rows) * one + 5:.1f} MiB for parameters and gradients, 8.0 MiB for workspaces), but 3.0 MiB are free; "
        "use a smaller network, smaller images, a smaller --batch or fewer --threads"
    )
    with pytest.raises(ArchitectureError) as caught:
        check_prediction(network(BIG), SHAPE, 16, 1)
    assert str(caught.value) == (
        f"{BIG}: predicting on 1 thread needs {3 * one + 6:.1f} MiB of memory "
        f"({3 * one + 5:.1f} MiB for parameters and gradients, 1.0 MiB for workspaces), but 3.0 MiB are free; "
        "use fewer threads or a machine with more"
    )


@pytest.mark.parametrize("word", ["conv4-relu-pool-dense20", "conv6-bn-tanh-res6-gap"])
def test_what_is_counted_is_what_an_engine_takes(word):
    settings, shown = Settings(batch=20, shard=8), stripes(20)
    engine = make_engine(network(word), SHAPE, Preprocessing((0.0,), (1.0,)), shard=8, threads=2, seed=0)
    engine.gradients(shown.images, shown.labels, np.arange(20), epoch=0, position=0)
    engine.logits(shown.images)
    for training, (task,) in ((True, engine._training.values()), (False, engine._inference.values())):
        sizes = {len(workspace) for workspace in task.workspaces}, len(task.workspaces), 4 * len(task._packed)
        workspace, packed = memory._workspace(network(word), SHAPE, settings.shard, training)
        assert sizes == ({workspace}, 2, packed)
    assert len(engine._rows) == memory._rows(3, 2)
    engine.close()


@pytest.mark.parametrize(("number", "text"), [(5 * 2**30, "5.0 GiB"), (2**50, "1.0 PiB"), (2**70, "1,048,576.0 PiB")])
def test_sizes_of_any_magnitude(number, text):
    assert memory._size(number) == text


def test_what_training_keeps_counts(monkeypatch):
    needed = {}

    def note(network, what, parameters, workspaces, remedy):
        needed[settings] = parameters

    monkeypatch.setattr(memory, "_check", note)
    plain = Settings(optimizer="sgd")
    for settings in (plain, Settings(optimizer="adam"), Settings(optimizer="sgd", ema_decay=0.9, patience=3)):
        check_training(network(BIG), SHAPE, settings, 40, 1)
    more = 4 * Model.parameter_count.fget(model())
    assert [value - needed[plain] for value in needed.values()] == [0, 2 * more, 2 * more]


def model():
    from convlet.network.layout import Layout

    count = Layout(network(BIG), SHAPE).parameter_count
    return Model(BIG, SHAPE, CLASSES, Preprocessing((0.0,), (1.0,)), np.zeros(count), np.zeros(0), Settings().as_dict())


@pytest.mark.usefixtures("little")
def test_nothing_is_made_of_what_is_refused(monkeypatch):
    monkeypatch.setattr("convlet.training.loop.make_engine", lambda *given, **options: pytest.fail("an engine"))
    monkeypatch.setattr("convlet.training.loop.compile_ahead", lambda *given: pytest.fail("compiled"))
    monkeypatch.setattr("convlet.model.model.make_engine", lambda *given, **options: pytest.fail("an engine"))
    with pytest.raises(ArchitectureError, match=r"^dense3000-dense1000: training with a batch of 10 on 1 thread needs"):
        train(network(BIG), stripes(10), classes=CLASSES, settings=Settings(threads=1))
    with pytest.raises(ArchitectureError, match=r"^dense3000-dense1000: predicting on 2 threads needs"):
        model().predict(stripes(10).images, threads=2)


@pytest.mark.usefixtures("little")
def test_a_comparison_refuses_before_the_first_network_trains():
    from convlet import data

    digits = data.load("digits")
    with pytest.raises(ArchitectureError, match=r"^dense3000-dense1000: training with a batch of 32 on"):
        Comparison(digits, [Entry("small", "pool"), Entry("large", BIG)])


@pytest.mark.usefixtures("little")
def test_the_command_line_writes_nothing_where_a_network_does_not_fit(tmp_path, capsys):
    folder = tmp_path / "run"
    assert main(["train", "digits", "-a", BIG, "--threads", "2", "--output", str(folder)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"convlet: {BIG}: training with a batch of 32 on 2 threads needs ")
    assert err.count("\n") == 1
    assert not folder.exists()
