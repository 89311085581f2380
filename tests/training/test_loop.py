"""The loop: what it learns, shows, stops at and refuses, and that the same seed gives the same model."""

from __future__ import annotations

from itertools import count, pairwise

import numpy as np
import pytest

from convlet import random
from convlet.engine.reference import ReferenceEngine
from convlet.errors import ArchitectureError, DataError, SettingsError, TrainingError
from convlet.layers import Conv, Dense, MaxPool, ReLU, Sequential
from convlet.learning.losses import softmax_cross_entropy
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.training import loop
from convlet.training.loop import train
from tests.training.examples import CLASSES, ImageSet, network, set_clock, stripes

pytestmark = pytest.mark.usefixtures("reference")

WORD = "conv4-relu-pool"


def run(word=WORD, images=60, validation=None, on_progress=None, **settings):
    given = {"batch": 16, "threads": 1} | settings
    return train(
        network(word),
        stripes(images),
        validation,
        classes=CLASSES,
        settings=Settings(**given),
        on_progress=on_progress,
    )


@pytest.fixture
def watched(monkeypatch):
    """Engines that keep what they were asked; `spoil` changes one after each step."""

    class Watched(ReferenceEngine):
        asked: list = []  # noqa: RUF012
        closed = 0
        spoil = None

        def gradients(self, images, labels, batch, *, epoch, position, **more):
            counts = super().gradients(images, labels, batch, epoch=epoch, position=position, **more)
            self.asked.append((epoch, position, batch.tolist()))
            if Watched.spoil is not None and len(self.asked) == 3:
                return Watched.spoil(self, counts)
            return counts

        def close(self):
            super().close()
            Watched.closed += 1

    def make(network, input_shape, preprocessing, **options):
        return Watched(network, input_shape, preprocessing, **options)

    monkeypatch.setattr(loop, "make_engine", make)
    return Watched


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "sgd", "learning_rate": 0.05},
        {"optimizer": "sgd", "learning_rate": 0.05, "nesterov": True, "schedule": "cosine"},
        {"optimizer": "adagrad", "learning_rate": 0.05, "schedule": "constant"},
        {"optimizer": "rmsprop", "learning_rate": 0.005},
        {"optimizer": "adam", "learning_rate": 0.02},
        {"optimizer": "adamw", "learning_rate": 0.02, "weight_decay": 0.01, "schedule": "step"},
    ],
)
def test_a_small_network_learns_stripes(settings):
    held_out = stripes(60, seed=1)
    result = run(images=180, validation=held_out, epochs=4, **settings)
    assert result.history["train_loss"][-1] < 0.5 * result.history["train_loss"][0]
    assert result.history["validation_error"][-1] <= 0.1
    assert np.mean(result.model.predict(held_out.images) != held_out.labels) <= 0.1


def test_the_same_seed_gives_the_same_model_for_any_number_of_threads():
    words = [WORD, "conv4-bn-relu-dropout0.3-pool-res4s2-dropout0.2"]
    for word in words:
        made = [run(word, epochs=2, batch=28, shard=4, threads=n) for n in (1, 2, 3, 7, 1)]
        assert len({result.model.sha256() for result in made}) == 1
        assert all(result.model.settings == made[0].model.settings for result in made)
        for name in made[0].history.keys() - {"seconds"}:
            assert all(result.history[name] == made[0].history[name] for result in made)
    assert run(seed=1).model.sha256() != run(seed=2).model.sha256()


def test_each_epoch_shows_every_image_once_and_the_last_batch_is_smaller(watched):
    run(images=42, epochs=2, batch=16, seed=9)
    assert [(epoch, position, len(batch)) for epoch, position, batch in watched.asked] == [
        (epoch, position, size) for epoch in (0, 1) for position, size in ((0, 16), (16, 16), (32, 10))
    ]
    for epoch in (0, 1):
        order = [image for e, _, batch in watched.asked for image in batch if e == epoch]
        assert order == random.permutation(42, 9, random.SHUFFLE, epoch=epoch).tolist()


@pytest.mark.parametrize("batch", [None, 42, 1000])
def test_a_full_batch_is_one_step_per_epoch(watched, batch):
    run(images=42, epochs=2, batch=batch)
    assert [len(batch) for _, _, batch in watched.asked] == [42, 42]


def test_training_equals_pytorch():
    torch = pytest.importorskip("torch")
    shown, settings = stripes(50), Settings(epochs=2, batch=16, seed=4, threads=1)
    body = network("conv4-relu-pool-conv3k5-tanh")
    result = train(body, shown, classes=CLASSES, settings=settings)
    first = train(body, shown, classes=CLASSES, settings=settings.changed(learning_rate=1e-30))
    begun = {name: torch.tensor(np.array(values)) for name, values in first.model.arrays().items()}

    functional = torch.nn.functional
    theirs = {name: torch.nn.Parameter(values) for name, values in begun.items()}
    optimizer = torch.optim.Adam(theirs.values())
    x = torch.tensor(result.model.preprocessing.apply(shown.images)).permute(0, 3, 1, 2)
    steps = iter(range(8))
    losses = []
    for epoch in range(2):
        order = random.permutation(50, 4, random.SHUFFLE, epoch=epoch)
        for batch in (order[i : i + 16] for i in range(0, 50, 16)):
            z = x[batch]
            for conv, size, activation in ((0, 1, torch.relu), (3, 2, torch.tanh)):
                weights, biases = (theirs[f"{conv}.conv.{name}"] for name in ("weights", "biases"))
                z = activation(functional.conv2d(z, weights.permute(3, 2, 0, 1), biases, padding=size))
                z = functional.max_pool2d(z, 2) if conv == 0 else z
            z = z.permute(0, 2, 3, 1).flatten(1) @ theirs["6.dense.weights"] + theirs["6.dense.biases"]
            loss = functional.cross_entropy(z, torch.tensor(shown.labels[batch]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.param_groups[0]["lr"] = settings.make_schedule(4).rate(next(steps), 8)
            optimizer.step()
            losses.append(loss.item() * len(batch))
    assert result.history["train_loss"] == pytest.approx([sum(losses[:4]) / 50, sum(losses[4:]) / 50], rel=1e-4)
    for name, values in result.model.arrays().items():
        np.testing.assert_allclose(values, theirs[name].detach().numpy(), rtol=1e-3, atol=1e-4)


def test_history_has_a_line_per_epoch():
    held_out = stripes(30, seed=1)
    result = run(validation=held_out, epochs=3, batch=20)
    history = result.history
    assert list(history) == [
        "epoch",
        "train_loss",
        "train_error",
        "validation_loss",
        "validation_error",
        "learning_rate",
        "seconds",
    ]
    assert history["epoch"] == [1, 2, 3]
    schedule = Settings().make_schedule(3)
    assert history["learning_rate"] == [schedule.rate(step, 9) for step in (2, 5, 8)]
    assert history["validation_error"][-1] == np.mean(result.model.predict(held_out.images) != held_out.labels)
    assert all(0 <= error <= 1 for error in history["train_error"] + history["validation_error"])
    assert result.train_seconds == pytest.approx(sum(history["seconds"]))
    assert result.images_per_second == pytest.approx(180 / result.train_seconds)


@pytest.mark.parametrize("validation", [None, stripes(0)])
def test_without_validation_images_history_holds_none(validation):
    history = run(validation=validation).history
    assert history["validation_loss"] == history["validation_error"] == [None]


@pytest.mark.parametrize("seconds", [0.02, 0.5])
def test_progress_comes_about_ten_times_a_second_and_at_the_end(monkeypatch, seconds):
    ticks = count()
    set_clock(monkeypatch, lambda: next(ticks) * seconds)
    seen = []
    run(images=64, batch=8, epochs=3, on_progress=seen.append)
    assert [p.step for p in seen] == sorted({p.step for p in seen})
    times = [p.seconds for p in seen]
    assert all(later - earlier > 0.099 for earlier, later in pairwise(times[:-1]))
    assert len(seen) == 24 if seconds == 0.5 else 5 <= len(seen) <= 10
    last = seen[-1]
    assert (last.epoch, last.epochs, last.step, last.steps, last.images) == (3, 3, 24, 24, 192)
    assert last.seconds_left == 0
    for p in seen:
        assert p.seconds_left == pytest.approx(p.seconds / p.step * (24 - p.step))
        assert p.images_per_second == pytest.approx(p.images / p.seconds)
        assert p.epoch == (p.step - 1) // 8 + 1


def test_progress_shows_the_mean_loss_of_the_epoch_so_far():
    seen = []
    result = run(images=64, batch=8, on_progress=seen.append)
    assert seen[-1].loss == pytest.approx(result.history["train_loss"][0])


def test_an_interruption_passes_through_and_closes_the_engine(watched):
    def interrupt(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(on_progress=interrupt)
    assert watched.closed == 1


def nan_in(name):
    def spoil(engine, counts):
        getattr(engine, name)[-1] = np.nan
        return counts

    return spoil


AT = "epoch 1 of 2, step 3 of 8 (learning rate 0.00583); lower --learning-rate"
AFTER = "after epoch 1 of 2, step 4 of 8 (learning rate 0.00487); lower --learning-rate"


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda engine, counts: (float("nan"), 0), f"the loss is nan at {AT}"),
        (lambda engine, counts: (float("inf"), 0), f"the loss is inf at {AT}"),
        (nan_in("gradient"), f"the gradient of 4.dense.biases is not finite at {AT}"),
        (nan_in("state"), f"1.batch_norm.variance is not finite {AFTER}"),
    ],
)
def test_numbers_that_are_not_finite_stop_the_training(watched, spoil, text):
    watched.spoil = staticmethod(spoil)
    with pytest.raises(TrainingError) as caught:
        run("conv2-bn-relu", epochs=2)
    assert str(caught.value) == text
    assert watched.closed == 1
    assert len(watched.asked) == (3 if " at " in text else 4)


def test_parameters_that_are_not_finite_after_the_last_step_are_never_kept():
    with pytest.raises(TrainingError) as caught:
        run("tanh", images=16, batch=16, optimizer="sgd", learning_rate=1e300, schedule="constant")
    name = "2.dense.weights"
    assert str(caught.value) == (
        f"{name} is not finite after epoch 1 of 1, step 1 of 1 (learning rate 1e+300); lower --learning-rate"
    )


def test_a_validation_loss_that_is_not_finite_stops_the_training(watched, monkeypatch):
    monkeypatch.setattr(watched, "logits", lambda self, images: np.full((len(images), 3), np.nan, np.float32))
    with pytest.raises(TrainingError) as caught:
        run(validation=stripes(5), epochs=2)
    assert str(caught.value) == f"the validation loss is nan {AFTER}"


def test_a_learning_rate_far_too_high_is_reported_as_divergence():
    with pytest.raises(TrainingError, match=r"^the (loss|gradient) .*; lower --learning-rate$"):
        run(epochs=5, optimizer="sgd", learning_rate=1e12, schedule="constant")


def test_the_model_describes_the_network_it_came_from():
    shown = stripes(20, channels=3)
    net = Sequential([Conv(2), ReLU(), MaxPool(), Dense(3)])
    result = train(net, shown, classes=CLASSES, settings=Settings(threads=2, epochs=1))
    model = result.model
    assert (model.architecture, model.input_shape, model.classes) == ("conv2-relu-pool", (8, 8, 3), CLASSES)
    assert model.preprocessing == Preprocessing.from_images(shown.images)
    assert model.settings == {k: v for k, v in Settings().as_dict().items() if k != "threads"}
    assert not model.parameters.flags.writeable


def test_a_preprocessing_can_be_given():
    given = Preprocessing((0.0,), (255.0,))
    result = train(network(WORD), stripes(20), classes=CLASSES, settings=Settings(), preprocessing=given)
    assert result.model.preprocessing == given


@pytest.mark.parametrize(
    ("net", "shown", "held_out", "classes", "kind", "text"),
    [
        (
            network(WORD),
            stripes(4),
            None,
            ("one",),
            DataError,
            "training needs at least 2 classes, but got 1",
        ),
        (
            network(WORD),
            stripes(0),
            None,
            CLASSES,
            DataError,
            "training needs at least one image, but got none",
        ),
        (
            network(WORD, 4),
            stripes(4),
            None,
            CLASSES,
            DataError,
            "the network puts out 4 numbers, but there are 3 classes; end it with Dense(3)",
        ),
        (
            network(WORD),
            ImageSet(stripes(4).images, [0, 1, 2, 3]),
            None,
            CLASSES,
            DataError,
            "the training labels must be from 0 to 2, but number 3 is 3; give as many class names as there are labels",
        ),
        (
            network(WORD),
            stripes(4),
            stripes(4, channels=3),
            CLASSES,
            DataError,
            "the validation images must be 8x8x1, but got 8x8x3",
        ),
        (
            Sequential([Conv(3), ReLU()]),
            stripes(4),
            None,
            CLASSES,
            ArchitectureError,
            "a network must end in a dense layer with one unit per class, but ends in relu; "
            "add Dense(classes) or use with_head",
        ),
        (
            network("pool-pool-pool-pool"),
            stripes(4),
            None,
            CLASSES,
            ArchitectureError,
            "layer 4 (pool): needs at least 2x2 pixels, but got 1x1 of shape 1x1x1; "
            "pool less before it or use larger images",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused(net, shown, held_out, classes, kind, text):
    with pytest.raises(kind) as caught:
        train(net, shown, held_out, classes=classes, settings=Settings())
    assert str(caught.value) == text


def test_images_of_weight_zero_are_left_out_and_only_proportions_matter():
    shown, settings = stripes(60), Settings(batch=16, threads=1, epochs=2)
    weights = np.ones(60)
    weights[::3] = 0
    kept = ImageSet(shown.images[weights > 0], shown.labels[weights > 0])

    def digest(images, **given):
        return train(network(WORD), images, classes=CLASSES, settings=settings, **given).model.sha256()

    wanted = digest(kept)
    assert digest(shown, weights=weights) == digest(shown, weights=7 * weights) == wanted
    assert digest(shown) != wanted


def test_weights_move_a_network_towards_the_images_that_count_more():
    shown = stripes(120)
    mixed = ImageSet(np.concatenate([shown.images] * 2), np.concatenate([shown.labels, (shown.labels + 1) % 3]))
    settings = Settings(batch=16, epochs=6, learning_rate=0.02, threads=1)
    for first, wanted in ((5.0, shown.labels), (0.2, (shown.labels + 1) % 3)):
        weights = np.repeat([first, 1.0], 120)
        model = train(network(WORD), mixed, classes=CLASSES, settings=settings, weights=weights).model
        assert np.mean(model.predict(shown.images) == wanted) > 0.9


def test_class_weights_count_as_weights_do():
    shown = stripes(60)
    settings = {"batch": 16, "threads": 1}
    own = np.array([1.0, 0.5, 4.0])
    by_class = run(class_weights=own).model.sha256()
    by_image = train(
        network(WORD), shown, classes=CLASSES, settings=Settings(**settings), weights=own[shown.labels]
    ).model.sha256()
    assert by_class == by_image != run().model.sha256()


def test_patience_stops_and_keeps_the_best_epoch():
    held_out = stripes(60, seed=1)
    held_out.labels[:20] = 0  # the surer the network, the dearer these mistakes
    ended = []
    result = train(
        network(WORD),
        stripes(60),
        held_out,
        classes=CLASSES,
        settings=Settings(batch=16, threads=1, epochs=60, learning_rate=0.03, schedule="constant", patience=4),
        on_epoch=lambda end: ended.append((end.row["validation_loss"], end.vectors()[0].copy())),
    )
    losses = result.history["validation_loss"]
    assert result.best_epoch == int(np.argmin(losses)) + 1
    assert len(losses) == result.best_epoch + 4 < 60
    np.testing.assert_array_equal(result.model.parameters, ended[result.best_epoch - 1][1])
    assert [loss for loss, _ in ended] == losses


def test_patience_can_watch_the_error():
    held_out = stripes(60, seed=1)
    result = run(validation=held_out, epochs=40, patience=3, monitor="error", schedule="constant")
    errors = result.history["validation_error"]
    assert result.best_epoch == int(np.argmin(errors)) + 1
    assert len(errors) == result.best_epoch + 3
    assert np.mean(result.model.predict(held_out.images) != held_out.labels) == min(errors)


def test_without_validation_images_patience_waits_for_nothing():
    result = run(epochs=3, patience=1)
    assert len(result.history["epoch"]) == result.best_epoch == 3


def test_the_running_mean_is_what_validates_and_is_kept(watched):
    held_out = stripes(30, seed=1)
    plain = run(validation=held_out, epochs=3)
    steady = run(validation=held_out, epochs=3, ema_decay=0.9)
    assert plain.history["train_loss"] == steady.history["train_loss"]
    np.testing.assert_array_equal(plain.snapshot.parameters, steady.snapshot.parameters)
    assert plain.model.sha256() != steady.model.sha256()
    losses, _ = softmax_cross_entropy(steady.model.logits(held_out.images), held_out.labels)
    assert steady.history["validation_loss"][-1] == pytest.approx(losses.mean(dtype=np.float64))


def test_a_long_gradient_is_clipped_before_the_update():
    given = {"optimizer": "sgd", "momentum": 0, "learning_rate": 1.0, "schedule": "constant", "batch": None}
    begun = run(**given | {"learning_rate": 1e-30}).model.parameters
    moved = [run(clip_norm=longest, **given).model.parameters - begun for longest in (None, 1e-3, 1e9)]
    assert np.linalg.norm(moved[1]) == pytest.approx(1e-3, rel=1e-3)
    np.testing.assert_array_equal(moved[0], moved[2])


def test_steps_may_end_in_the_middle_of_an_epoch(watched):
    seen = []
    result = run(images=42, batch=16, epochs=9, steps=4, on_progress=seen.append)
    assert [(epoch, len(batch)) for epoch, _, batch in watched.asked] == [(0, 16), (0, 16), (0, 10), (1, 16)]
    assert result.history["epoch"] == [1, 2]
    assert (seen[-1].step, seen[-1].steps, seen[-1].epochs) == (4, 4, 2)
    schedule = Settings().make_schedule(3)
    assert result.history["learning_rate"] == [schedule.rate(step, 4) for step in (2, 3)]
    assert result.history["train_loss"][1] == pytest.approx(seen[-1].loss)


def test_a_time_budget_chooses_the_steps(monkeypatch, watched):
    """Each look at the clock finds it a tenth of a second later."""
    ticks = count()
    set_clock(monkeypatch, lambda: next(ticks) * 0.1)
    result = run(images=64, batch=16, epochs=1, minutes=0.25)
    steps = result.model.settings["steps"]
    assert 40 <= steps <= 130
    assert result.model.settings["minutes"] is None
    assert len(watched.asked) > steps  # those that found out how long a step takes
    assert result.history["learning_rate"][-1] < 0.006 / 100
    assert next(ticks) * 0.1 == pytest.approx(15, rel=0.1)


def test_the_steps_that_measure_leave_no_trace(monkeypatch):
    word = "conv4-bn-relu-pool"
    ticks = count()
    set_clock(monkeypatch, lambda: next(ticks) * 0.1)
    budget = run(word, minutes=0.02, optimizer="sgd", schedule="constant")
    again = run(word, steps=budget.model.settings["steps"], optimizer="sgd", schedule="constant")
    assert budget.model.sha256() == again.model.sha256()


def test_a_watcher_of_epochs_can_end_the_training():
    seen = []
    result = train(
        network(WORD),
        stripes(30),
        classes=CLASSES,
        settings=Settings(epochs=9, threads=1),
        on_epoch=lambda end: seen.append(end.row) or len(seen) == 2,
    )
    assert result.history["epoch"] == [row["epoch"] for row in seen] == [1, 2]


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_training_goes_on_from_where_another_ended(optimizer):
    shown = stripes(40)
    settings = Settings(batch=16, threads=1, optimizer=optimizer, schedule="constant", learning_rate=0.01)

    def go_on(epochs, start=None):
        given = settings.changed(epochs=epochs)
        return train(network("conv4-bn-relu-dropout0.3"), shown, classes=CLASSES, settings=given, start=start)

    whole, first = go_on(3), go_on(1)
    second = go_on(2, first.snapshot)
    assert second.model.sha256() == whole.model.sha256() != first.model.sha256()
    assert (second.snapshot.step, second.snapshot.epoch) == (9, 3)
    assert first.snapshot.step == 3


def test_members_are_trainings_with_seeds_of_their_own():
    held_out, seen, ended = stripes(30, seed=1), [], []
    given = {"batch": 16, "threads": 1, "epochs": 2, "seed": 5}
    many = train(
        network(WORD),
        stripes(60),
        held_out,
        classes=CLASSES,
        settings=Settings(members=3, views="shift1", **given),
        on_progress=seen.append,
        on_epoch=lambda end: ended.append(end.last),
    )
    seeds = [random.derived_seed(5, random.MEMBER, number) for number in range(3)]
    alone = [run(validation=held_out, **given | {"seed": seed}) for seed in seeds]
    np.testing.assert_array_equal(many.model.parameters, np.concatenate([one.model.parameters for one in alone]))
    assert many.history["member"] == [1, 1, 2, 2, 3, 3]
    assert many.history["train_loss"] == [loss for one in alone for loss in one.history["train_loss"]]
    assert many.validation_error == np.mean(many.model.predict(held_out.images) != held_out.labels)
    assert many.validation_loss != many.history["validation_loss"][-1]
    assert ended == [False] * 5 + [True]
    last = seen[-1]
    assert (last.epoch, last.epochs, last.step, last.steps, last.images) == (6, 6, 24, 24, 360)
    assert last.seconds_left == 0
    assert [p.step for p in seen] == sorted(p.step for p in seen)


def test_a_watcher_can_end_a_training_of_several_members():
    result = train(
        network(WORD),
        stripes(30),
        classes=CLASSES,
        settings=Settings(epochs=2, threads=1, members=3),
        on_epoch=lambda end: end.row["epoch"] == 1,
    )
    assert result.model.members == 1
    assert result.history["epoch"] == [1]


def test_several_members_share_a_time_budget(monkeypatch):
    ticks = count()
    set_clock(monkeypatch, lambda: next(ticks) * 0.1)
    result = run(minutes=0.2, members=2)
    assert result.history["member"].count(1) == result.history["member"].count(2)
    half = run(minutes=0.1)
    assert result.model.settings["steps"] == half.model.settings["steps"]
    assert result.model.settings["minutes"] is None


def test_several_members_cannot_go_on_from_one_snapshot():
    snapshot = run().snapshot
    with pytest.raises(SettingsError) as caught:
        train(network(WORD), stripes(60), classes=CLASSES, settings=Settings(members=2, threads=1), start=snapshot)
    assert str(caught.value) == "only a training of one member can go on from a snapshot, but members is 2"
