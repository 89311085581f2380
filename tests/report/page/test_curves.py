"""Learning curves: those of an ensemble are means, and what went wrong on the way is said."""

from __future__ import annotations

import pytest

from convlet.report.page.curves import curves_view


def result_of(history, **more):
    row = {"label": "A <b>", "history": history, "validation_error": 0.1, "test_error": 0.1} | more
    return {"results": [row], "best_label": "A <b>"}


HISTORY = {
    "train_loss": [0.8, 0.6, 0.4, 0.2],
    "validation_loss": [1.0, None, 0.5, 0.3],
    "train_error": [0.5, 0.4, 0.3, 0.2],
}


def test_the_curve_of_an_ensemble_is_the_mean_of_its_members():
    both = curves_view(result_of(HISTORY | {"member": [1, 1, 2, 2], "epoch": [1, 2, 1, 2]}), {})
    assert (both["epochs"], both["of_members"]) == (2, True)
    values = {chart["title"]: [column["values"] for column in chart["data"]["series"]] for chart in both["charts"]}
    assert values["Training loss"] == [["0.6000", "0.4000"]]
    assert values["Validation loss"] == [["0.7500", "-"]]


def test_one_network_has_its_own_curve():
    one = curves_view(result_of(HISTORY | {"epoch": [1, 2, 3, 4]}), {})
    assert (one["epochs"], one["of_members"], one["rollbacks"]) == (4, False, [])


@pytest.mark.parametrize("reasons", [[], ["step 3: the loss is nan", "step 9: the loss is inf"]])
def test_each_time_a_training_went_back_is_told(reasons):
    view = curves_view(result_of(HISTORY | {"epoch": [1, 2, 3, 4]}, rollbacks=reasons), {})
    assert view["rollbacks"] == [("A <b>", reason) for reason in reasons]


def test_what_stopped_early_and_what_final_errors_are_measured_with_is_told():
    found = result_of(
        HISTORY | {"epoch": [1, 2, 3, 4]}, stopped="stopped after 4 of 9 epochs", settings={"views": "flip"}
    )
    view = curves_view(found, {})
    assert view["stopped"] == [("A <b>", "stopped after 4 of 9 epochs")]
    assert view["final"] == [("A <b>", "test-time augmentation (flip)")]
    alike = curves_view(result_of(HISTORY | {"epoch": [1, 2, 3, 4]}, stopped=""), {})
    assert (alike["stopped"], alike["final"]) == ([], [])
