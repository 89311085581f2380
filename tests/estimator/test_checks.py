"""scikit-learn's own checks of an estimator, all of them."""

from __future__ import annotations

from sklearn.utils.estimator_checks import parametrize_with_checks

from convlet import ConvNetClassifier

EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a weight of 2 is not the same as showing an image twice: stochastic gradient descent meets a repeated image in "
        "two batches, and their order is drawn anew"
    ),
}


@parametrize_with_checks(
    [
        ConvNetClassifier(random_state=0),
        ConvNetClassifier("dense8-relu", random_state=0, early_stopping=True, epochs=60),
    ],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES,
)
def test_scikit_learns_check(estimator, check):
    check(estimator)


def test_no_more_than_three_failures_are_expected():
    assert len(EXPECTED_FAILURES) <= 3
