"""What a report is made from: figures that equal the result's, images that are the right ones."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.evaluation import evaluate
from convlet.findings import findings
from convlet.findings.inside import MOST_CLASSES, inside
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
