"""What a report is made from: figures that equal the result's, images that are the right ones."""

from __future__ import annotations

import sys
import tracemalloc

import numpy as np
import pytest

from convlet import interpret
from convlet.errors import PredictionError
from convlet.evaluation.figures import evaluate
from convlet.findings import bounds
from convlet.findings.findings import findings
from convlet.findings.inside import MOST_CLASSES, inside
from convlet.findings.study import logits_of
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.model.model import Model
from convlet.network.layout import Layout
from convlet.network.word import parse, with_head
from convlet.report.page import MOST_BYTES as page_bytes
from convlet.report.page import render
from convlet.report.page.gallery import Gallery
from tests.report.page import made


@pytest.fixture(autouse=True)
def _reference(monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")


def test_figures_equal_those_of_the_result():
    result, found = made.found()
    (study,) = found["studies"]
    best = next(row for row in result["results"] if row["label"] == result["best_label"])
    assert study["row"] is best
    test = study["of_test"]
    assert test["error"] == best["test_error"]
    assert test["error_interval"] == best["test_error_interval"]
    assert test["confusion_matrix"] == best["confusion_matrix"]


def test_figures_equal_those_of_evaluate():
    data = made.dataset()
    trained = made.model(data, "conv4-relu-pool")
    test = findings(made.result_of(data, [trained]), data, [trained])["studies"][0]["of_test"]
    wanted = evaluate(trained, data.test.images, data.test.labels)
    for name in ("error", "error_interval", "log_loss", "confusion_matrix", "per_class"):
        assert test[name] == wanted[name]
    assert test["worst"][:10].tolist() == [item["image"] for item in wanted["worst"]]


def test_differences_are_counted_on_the_same_images():
    data = made.dataset()
    models = [made.model(data, word, seed) for seed, word in enumerate(("conv4", "pool"))]
    result = made.result_of(data, models)
    found = findings(result, data, models)["differences"]
    (item,) = found
    best = next(m for m in models if m.architecture == result["best"])
    other = next(m for m in models if m is not best)
    wrong, other_wrong = (m.predict(data.test.images) != data.test.labels for m in (best, other))
    assert item["label"] == other.architecture
    assert item["only"] == int((wrong & ~other_wrong).sum())
    assert item["only_other"] == int((other_wrong & ~wrong).sum())


def test_without_models_or_data_the_figures_stay():
    data = made.dataset()
    trained = made.model(data, "pool")
    result = made.result_of(data, [trained])
    for found in (findings(result), findings(result, data), findings(result, None, [trained])):
        assert found["differences"] == []
        assert found["studies"][0]["of_test"] is None
        assert found["studies"][0]["inside"] is None
    nothing = findings(result | {"results": [], "best": None, "best_label": None})
    assert nothing["studies"] == []


def test_the_second_data_set_has_a_study_of_its_own():
    data, other = made.dataset(), made.dataset("other", count=24)
    models = [made.model(data, "pool"), made.model(other, "pool", 5)]
    result = made.result_of(data, models[:1])
    result["then"] = {"data": other.describe(), **made.row(models[1], other, "pool")}
    first, second = findings(result, data, models, other)["studies"]
    assert first["data"]["name"] == data.name
    assert second["data"]["name"] == "other"
    assert second["of_test"]["error"] == result["then"]["test_error"]


def test_the_learning_rate_is_that_of_the_schedule():
    result, found = made.found(epochs=4)
    for row in result["results"]:
        schedule = found["schedules"][row["label"]]
        assert schedule["epoch"][0] == 0
        assert 3.4 < schedule["epoch"][-1] < 4
        assert max(schedule["rate"]) == pytest.approx(result["settings"]["learning_rate"], rel=0.05)


def test_planted_wrong_labels_are_found_in_every_part():
    data = made.dataset(classes=("dark", "bright"), count=40)
    trained = made.model(data, "pool")
    for part in (data.train, data.validation, data.test):
        part.labels[:] = trained.predict(part.images)
    planted = {"train": 7, "validation": 2, "test": 30}
    for name, part in data.parts:
        part.labels[planted[name]] = 1 - part.labels[planted[name]]
    result = made.result_of(data, [trained])
    suspected = findings(result, data, [trained])["studies"][0]["of_test"]["suspected"]
    assert {(item["part"], item["number"]) for item in suspected} <= set(planted.items())
    assert suspected


def test_inside_looks_at_the_hardest_of_many_classes():
    data = made.dataset(classes=tuple(f"class {k}" for k in range(20)), count=60, test=60)
    trained = made.model(data, "conv4-relu-pool")
    logits = trained.logits(data.test.images)
    found = inside(trained, data, logits)
    chosen = [item["class"] for item in found["classes"]]
    assert len(chosen) == MOST_CLASSES
    right = logits.argmax(1) == data.test.labels
    recall = np.array([right[data.test.labels == k].mean() for k in range(20)])
    assert max(recall[chosen]) <= min(np.delete(recall, chosen))
    for item in found["classes"]:
        assert data.test.labels[item["number"]] == item["class"]
    assert not found["layers"]["compiled"]
    assert [row["token"] for row in found["layers"]["rows"]] == ["conv4", "relu", "pool", "flatten", "dense20"]
    assert all(row["forward_seconds"] > 0 for row in found["layers"]["rows"])
    assert found["filters"].shape == (3, 3, 3, 4)


def test_the_cost_of_compiled_layers_is_that_of_their_kernels(monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "compiled")
    data = made.dataset(classes=("dark", "bright"), shape=(12, 12, 1))
    trained = made.model(data, "conv4-relu-pool-bn")
    layers = inside(trained, data, trained.logits(data.test.images))["layers"]
    assert layers["compiled"]
    assert [row["token"] for row in layers["rows"]] == ["conv4-relu-pool", "bn", "dense2"]
    assert all(row["forward_seconds"] > 0 and row["backward_seconds"] > 0 for row in layers["rows"])
    assert sum(row["multiply_adds"] for row in layers["rows"]) == trained.network.multiply_adds((12, 12, 1))


def test_a_network_without_a_convolution_has_no_grad_cam():
    data = made.dataset()
    trained = made.model(data, "dense6-tanh")
    found = inside(trained, data, trained.logits(data.test.images))
    assert found["filters"] is None
    assert all(item["cam"] is None for item in found["classes"])
    assert all(item["cam"] is None for item in found["mistakes"])


SHAPES = [(8, 8, 1), (96, 96, 3), (1, 150, 1), (150, 1, 2), (8, 1000, 1), (2000, 20, 1), (1, 4000, 13), (120, 130, 2)]


def drawn(shape, classes=3, images=4, word=None):
    """A data set and a network that was never trained: what a report costs does not depend on what was learned."""
    data = made.dataset("drawn", tuple(f"class {k}" for k in range(classes)), shape, images, images)
    word = word or ("conv2-relu-pool-conv2-relu-gap" if min(shape[:2]) > 1 else "conv2-relu-gap")
    layout = Layout(with_head(parse(word), classes), shape)
    rng = np.random.default_rng(1)
    parameters = (rng.standard_normal(layout.parameter_count) * 0.3).astype(np.float32)
    state = np.ones(layout.state_count, np.float32)
    settings = Settings().as_dict()
    model = Model(word, shape, data.classes, Preprocessing.from_images(data.train.images), parameters, state, settings)
    return data, model, made.result_of(data, [model])


def arrays_in(value):
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name not in ("images", "filters"):  # those of the data and of the model
                yield from arrays_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from arrays_in(inner)


MOST = 1.5 * 64**2
"""Pixels of a small picture."""


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "x".join(map(str, shape)))
def test_images_of_any_shape_have_a_report_of_small_pictures(shape):
    data, model, result = drawn(shape)
    found = findings(result, data, [model], threads=1)
    look = found["studies"][0]["inside"]
    assert look["looked"]
    assert all(item["cam"] is not None and item["maps"] and item["drawn"] is not None for item in look["classes"])
    for array in arrays_in(found["studies"]):
        assert array.size <= MOST * max(16, 4 * shape[2])  # 16 maps of a layer, four examples of a class
    page = render(found)
    assert len(page) < 2_000_000
    assert ("Long images are compressed" in page) == (max(shape[:2]) >= 2 * min(shape[:2]))


def test_memory_does_not_grow_with_the_images(monkeypatch):
    """All 12 images and their 16 maps at once take 400 MB in this network."""
    data, model, _ = drawn((250, 250, 1), classes=12, images=12, word="conv16-relu-gap")
    monkeypatch.setattr(bounds, "TIMED_WORK", 1)
    monkeypatch.setattr(bounds, "PROTOTYPE_WORK", 1)
    logits = np.random.default_rng(0).standard_normal((12, 12))
    tracemalloc.start()
    try:
        found = inside(model, data, logits)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found["classes"]) == 12
    assert len(found["mistakes"]) == 6
    assert peak < 1.2 * interpret.GROUP_BYTES


def test_more_classes_cost_no_more_pictures():
    data, model, result = drawn((8, 8, 1), classes=1000, images=2000, word="gap")
    found = findings(result, data, [model], threads=1)
    study = found["studies"][0]
    assert len(study["inside"]["classes"]) == MOST_CLASSES
    assert len(study["of_test"]["examples"]) == 24
    page = render(found)
    assert len(page) < page_bytes
    assert "These are the 24 classes with the lowest recall." in page
    assert "The other 976 classes" in page


@pytest.mark.parametrize("name", ["LOOK_WORK", "GROUP_BYTES"])
def test_what_there_is_no_time_or_memory_for_is_left_out_and_said(monkeypatch, name):
    data, model, result = drawn((12, 12, 3))
    monkeypatch.setattr(bounds, name, 1)
    look = findings(result, data, [model], threads=1)["studies"][0]["inside"]
    assert not look["looked"]
    assert look["mistakes"] == []
    assert [item["class"] for item in look["classes"]] == [0, 1, 2]
    assert all(item["saliency"] is None and item["cam"] is None and not item["maps"] for item in look["classes"])
    page = render(findings(result, data, [model], threads=1))
    assert "Saliency, Grad-CAM, activation maps and the reasons of mistakes are left out" in page


def test_fewer_classes_are_looked_at_if_each_costs_much(monkeypatch):
    data, model, _ = drawn((12, 12, 3), classes=8, images=24)
    each = bounds.trace_work(model.network, (12, 12, 3))
    monkeypatch.setattr(bounds, "LOOK_WORK", 6 * each)
    afford = bounds.looks(model, 8, 6)
    assert 1 <= afford.classes < 8
    assert afford.classes + bounds.MISTAKE_LOOKS * afford.mistakes <= 6
    found = inside(model, data, model.logits(data.test.images))
    assert (
        len(found["classes"])
        == bounds.looks(model, 8, min(6, int((model.predict(data.test.images) != data.test.labels).sum()))).classes
    )


@pytest.mark.parametrize(
    ("images", "shape", "wanted"),
    [(10_000, (96, 96, 3), 1), (70_000, (28, 28, 1), 1), (1024, (300, 300, 1), 1), (5000, (300, 300, 3), 5), (101, (2000, 2000, 1), 2), (100, (2000, 2000, 1), 1), (0, (2000, 2000, 1), 1)],
)  # fmt: skip
def test_of_many_large_test_images_a_part_is_studied(images, shape, wanted):
    assert bounds.studied_step(images, shape) == wanted


def test_a_part_of_the_test_images_is_evenly_chosen_and_named_by_its_numbers(monkeypatch):
    data, model, result = drawn((9, 9, 1), images=31)
    monkeypatch.setattr(bounds, "ORDINARY_PIXELS", 1)
    monkeypatch.setattr(bounds, "ORDINARY_IMAGES", 0)
    monkeypatch.setattr(bounds, "FEWEST_IMAGES", 11)
    found = findings(result, data, [model], threads=1)
    (study,) = found["studies"]
    test = study["of_test"]
    assert test["numbers"].tolist() == list(range(0, 31, 3))
    np.testing.assert_array_equal(test["labels"], data.test.labels[::3])
    np.testing.assert_array_equal(test["predicted"], model.predict(data.test.images)[::3])
    for item in study["inside"]["mistakes"]:
        assert item["number"] % 3 == 0
        np.testing.assert_array_equal(item["pixels"], data.test.images[item["number"]])
    gallery = Gallery.of("s0", study, 10**6)
    matrix = np.array(result["results"][0]["confusion_matrix"])
    for row, column in np.argwhere(matrix):
        shown, total = gallery.shown(row, column)
        assert total == matrix[row, column]
        assert shown == int(((test["labels"] == row) & (test["predicted"] == column)).sum())
    page = render(found)
    assert "11 test images, evenly chosen. The matrix counts all of them." in page


def test_a_network_too_large_to_search_or_to_time_still_has_a_report(monkeypatch):
    data, model, result = drawn((9, 9, 1), images=30)
    monkeypatch.setattr(bounds, "SEARCH_MULTIPLY_ADDS", 1)
    monkeypatch.setattr(bounds, "TIMED_WORK", 1)
    found = findings(result, data, [model], threads=1)
    test = found["studies"][0]["of_test"]
    assert test["searched"] == {"train": 0, "validation": 0, "test": 30}
    rows = found["studies"][0]["inside"]["layers"]["rows"]
    assert all(row["forward_seconds"] is None for row in rows)
    render(found)


def test_a_mean_image_says_how_many_images_it_is_made_of(monkeypatch):
    data, model, result = drawn((9, 9, 1), images=30)
    whole = findings(result, data, [model], threads=1)
    own = data.train.images[data.train.labels == 1]
    np.testing.assert_array_equal(whole["studies"][0]["inside"]["classes"][1]["mean"], own.mean(axis=0))
    monkeypatch.setattr(sys.modules["convlet.findings.inside"], "MEAN_VALUES", 4 * 81)
    found = findings(result, data, [model], threads=1)
    item = found["studies"][0]["inside"]["classes"][1]
    assert item["mean_of"] == (4, 10)
    np.testing.assert_array_equal(item["mean"], own[:4].mean(axis=0))
    assert "of the first 4 training images" in render(found)


def test_differences_of_an_older_result_are_predicted():
    data = made.dataset()
    models = [made.model(data, word, seed) for seed, word in enumerate(("conv4", "pool"))]
    result = made.result_of(data, models)
    wanted = findings(result, data, models)["differences"]
    for row in result["results"]:
        del row["mistakes"]
    assert findings(result, data, models)["differences"] == wanted


@pytest.mark.parametrize(("part", "step"), [("test", 1), ("train", 3)])
def test_an_image_that_overflows_is_named_by_its_part(part, step):
    layout = Layout(with_head(parse("conv2"), 3), (8, 8, 1))
    vectors = layout.initial_parameters(with_head(parse("conv2"), 3), (8, 8, 1), 0), np.zeros(0, np.float32)
    model = Model("conv2", (8, 8, 1), ("a", "b", "c"), Preprocessing((0.0,), (1e-3,)), *vectors, Settings().as_dict())
    images = np.zeros((40, 8, 8, 1), np.float32)
    images[30] = 3e38
    with pytest.raises(
        PredictionError, match=rf"^{part} image {30 * step}: the network's output is not finite: layer 1 "
    ):
        logits_of(model, images, 1, part=part, step=step)


@pytest.mark.parametrize("backend", ["reference", "compiled"])
def test_predicting_in_parts_changes_nothing(monkeypatch, backend):
    monkeypatch.setenv("CONVLET_BACKEND", backend)
    data, model, _ = drawn((8, 8, 1), images=150, word="conv4-relu-pool")
    whole = model.logits(data.test.images)
    monkeypatch.setattr(bounds, "BATCH_MULTIPLY_ADDS", 1)
    assert bounds.predicted_together(model, 64, 1) == model.settings["shard"] < 150
    assert logits_of(model, data.test.images, 1).tobytes() == whole.tobytes()
    assert logits_of(model, data.test.images[:0]).shape == (0, 3)
