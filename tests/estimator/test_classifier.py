"""ConvNetClassifier: what goes in, what comes out, and that it keeps scikit-learn's company."""

from __future__ import annotations

import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from convlet import ConvNetClassifier, load_model, save_model
from convlet.errors import ArchitectureError
from convlet.estimator.continuing import NEW_CLASS
from convlet.network.costs import describe
from convlet.report.notebook.layers import layers_table

ROWS, DIGITS = (part[:360] for part in load_digits(return_X_y=True))
TRAIN, REST = slice(0, 300), slice(300, 360)


def classifier(word="conv6-relu-pool", **given):
    own = {"random_state": 0, "epochs": 12, "n_jobs": 1, "batch": 16, "learning_rate": 0.006}
    own |= {"augment": "", "views": ""}  # those of the recipe need more epochs
    return ConvNetClassifier(word, **own | given)


@pytest.fixture(scope="module")
def fitted():
    return classifier().fit(ROWS[TRAIN], DIGITS[TRAIN])


def test_it_learns_digits(fitted):
    assert fitted.score(ROWS[REST], DIGITS[REST]) > 0.85
    assert (fitted.image_shape_, fitted.n_features_in_, fitted.n_iter_) == ((8, 8, 1), 64, 12)
    assert fitted.classes_.tolist() == list(range(10))
    assert fitted.best_epoch_ == len(fitted.loss_curve_) == 12
    assert fitted.loss_curve_[-1] < 0.2 * fitted.loss_curve_[0]
    assert fitted.validation_loss_curve_ is None


KINDS = {
    "float32": lambda rows: rows.astype(np.float32),
    "lists": lambda rows: rows.tolist(),
    "integers": lambda rows: rows.astype(np.int64),
    "fortran": np.asfortranarray,
    "images": lambda rows: rows.reshape(-1, 8, 8),
    "with channels": lambda rows: rows.reshape(-1, 8, 8, 1),
    "lists of images": lambda rows: list(rows.reshape(-1, 8, 8)),
    "fortran images": lambda rows: np.asfortranarray(rows.reshape(-1, 8, 8, 1)),
    "objects": lambda rows: rows.astype(object),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_pixels_in_another_form_give_the_same_bits(fitted, kind):
    wanted = fitted.predict_proba(ROWS[REST])
    np.testing.assert_array_equal(fitted.predict_proba(KINDS[kind](ROWS[REST])), wanted)
    other = classifier().fit(KINDS[kind](ROWS[TRAIN]), DIGITS[TRAIN])
    assert other.model_.sha256() == fitted.model_.sha256()
    np.testing.assert_array_equal(other.predict_proba(ROWS[REST]), wanted)


def test_uint8_and_read_only_pixels(fitted):
    rows = ROWS.astype(np.uint8)
    rows.flags.writeable = False
    other = classifier().fit(rows[TRAIN], DIGITS[TRAIN])
    np.testing.assert_allclose(other.predict_proba(rows[REST]), fitted.predict_proba(ROWS[REST]), atol=1e-4)
    assert other.score(rows[REST].reshape(-1, 8, 8), DIGITS[REST]) > 0.85


def test_data_frames_keep_their_names(fitted):
    frame = pd.DataFrame(ROWS, columns=[f"pixel{k}" for k in range(64)])
    other = classifier().fit(frame[TRAIN], pd.Series(DIGITS[TRAIN]))
    assert other.feature_names_in_.tolist() == list(frame.columns)
    np.testing.assert_array_equal(other.predict_proba(frame[REST]), fitted.predict_proba(ROWS[REST]))
    with pytest.raises(ValueError, match="The feature names should match those that were passed during fit"):
        other.predict(frame.iloc[:3, ::-1])
    other.fit(ROWS[TRAIN].reshape(-1, 8, 8), DIGITS[TRAIN])
    assert not hasattr(other, "feature_names_in_")


@pytest.mark.parametrize(
    "names",
    [
        np.array(["null", "eins", "zwei"]),
        np.array(["null", "eins", "zwei"], object),
        np.array([-7, 3, 1_000_000]),
        np.array([2.0, 1.0, 0.0]),
        np.array([True, False]),
    ],
    ids=str,
)
def test_labels_of_any_type(names):
    chosen = len(names) > DIGITS
    rows, labels = ROWS[chosen], names[DIGITS[chosen]]
    made = classifier(epochs=8).fit(rows, labels)
    assert made.classes_.tolist() == sorted(names.tolist())
    assert made.predict(rows).dtype == names.dtype
    assert made.score(rows, labels) > 0.95
    assert made.model_.classes == tuple(map(str, sorted(names.tolist())))


def test_a_rows_probabilities_do_not_depend_on_the_rows_beside_it():
    word = "conv6-bn-relu-pool-dropout0.2-dense20-tanh"
    made = classifier(word, epochs=2, members=2, views="shift1").fit(ROWS[TRAIN], DIGITS[TRAIN])
    rng = np.random.default_rng(0)
    wanted = made.predict_proba(ROWS)
    for size in (1, 2, 3, 5, 16, 17, 33, 100):
        chosen = rng.permutation(len(ROWS))[:size]
        np.testing.assert_array_equal(made.predict_proba(ROWS[chosen]), wanted[chosen])
        np.testing.assert_array_equal(made.decision_function(ROWS[chosen]), made.decision_function(ROWS)[chosen])
    for jobs in (2, 3):
        np.testing.assert_array_equal(made.set_params(n_jobs=jobs).predict_proba(ROWS), wanted)


def test_scores_of_two_classes_and_of_more(fitted):
    rows, labels = ROWS[DIGITS < 2], DIGITS[DIGITS < 2]
    two = classifier(epochs=4).fit(rows, labels)
    scores, probabilities = two.decision_function(rows), two.predict_proba(rows)
    assert scores.shape == (len(rows),)
    np.testing.assert_allclose(probabilities[:, 1], 1 / (1 + np.exp(-scores)), rtol=1e-6)
    np.testing.assert_array_equal(two.predict(rows), (scores > 0).astype(int))
    assert fitted.decision_function(ROWS[:3]).shape == (3, 10)
    np.testing.assert_allclose(fitted.predict_proba(ROWS).sum(1), 1, rtol=1e-12)
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(ROWS)), fitted.predict_proba(ROWS), rtol=1e-9)


def test_the_same_seed_gives_the_same_model_for_any_number_of_threads(fitted):
    for jobs in (2, 3, -1, None):
        assert classifier(n_jobs=jobs).fit(ROWS[TRAIN], DIGITS[TRAIN]).model_.sha256() == fitted.model_.sha256()
    assert classifier(random_state=1).fit(ROWS[TRAIN], DIGITS[TRAIN]).model_.sha256() != fitted.model_.sha256()
    states = [classifier(random_state=np.random.RandomState(3)).fit(ROWS[TRAIN], DIGITS[TRAIN]) for _ in range(2)]
    assert states[0].model_.sha256() == states[1].model_.sha256()


def test_it_pickles_and_clones(fitted, tmp_path):
    wanted = fitted.predict_proba(ROWS[REST])
    for copy in (pickle.loads(pickle.dumps(fitted)), _through_a_memory_map(fitted, tmp_path)):
        np.testing.assert_array_equal(copy.predict_proba(ROWS[REST]), wanted)
        assert not copy.model_.parameters.flags.writeable
    again = clone(fitted)
    assert not hasattr(again, "model_")
    assert again.fit(ROWS[TRAIN], DIGITS[TRAIN]).model_.sha256() == fitted.model_.sha256()


def _through_a_memory_map(made, folder):
    joblib.dump(made, folder / "made.joblib")
    return joblib.load(folder / "made.joblib", mmap_mode="r")


def test_its_model_is_a_model_file(fitted, tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(fitted.model_, path)
    images = ROWS[REST].reshape(-1, 8, 8, 1)
    predicted = load_model(path).predict(images.astype(np.float32))
    np.testing.assert_array_equal(fitted.classes_[predicted], fitted.predict(ROWS[REST]))


def test_pipelines_searches_and_calibration():
    line = make_pipeline(FunctionTransformer(lambda rows: rows / 16), classifier(epochs=6))
    assert line.fit(ROWS[TRAIN], DIGITS[TRAIN]).score(ROWS[REST], DIGITS[REST]) > 0.7
    assert cross_val_score(classifier(epochs=6), ROWS, DIGITS, cv=3).min() > 0.6
    calibrated = CalibratedClassifierCV(classifier(epochs=3), cv=2).fit(ROWS[TRAIN], DIGITS[TRAIN])
    np.testing.assert_allclose(calibrated.predict_proba(ROWS[REST]).sum(1), 1)


def test_a_grid_search_in_two_processes():
    grid = {"learning_rate": [1e-4, 0.006], "architecture": ["dense8-relu"]}
    search = GridSearchCV(classifier(epochs=4, n_jobs=None), grid, cv=2, n_jobs=2).fit(ROWS[TRAIN], DIGITS[TRAIN])
    assert search.best_params_["learning_rate"] == 0.006
    alone = GridSearchCV(classifier(epochs=4), grid, cv=2).fit(ROWS[TRAIN], DIGITS[TRAIN])
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])


def _threads_here(estimator):
    from convlet.estimator.job import threads_for

    return threads_for(estimator.n_jobs)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_inside_a_joblib_worker_it_takes_one_thread(backend):
    with joblib.parallel_config(backend):
        counts = joblib.Parallel(n_jobs=2)(
            joblib.delayed(_threads_here)(ConvNetClassifier(n_jobs=jobs)) for jobs in (None, 3)
        )
    assert counts == [1, 3]


def test_weights_and_class_weights_move_the_predictions():
    rows = np.concatenate([ROWS[TRAIN]] * 2)
    labels = np.concatenate([DIGITS[TRAIN] < 5, DIGITS[TRAIN] >= 5])  # every image with both labels
    heavy = np.repeat([1.0, 0.05], 300)
    assert classifier(epochs=6).fit(rows, labels, heavy).score(ROWS[TRAIN], DIGITS[TRAIN] < 5) > 0.8
    assert classifier(epochs=6).fit(rows, labels, heavy[::-1]).score(ROWS[TRAIN], DIGITS[TRAIN] < 5) < 0.2
    pulled = classifier(epochs=3, class_weight={True: 1e4, False: 1e-4}).fit(rows, labels)
    assert pulled.predict(ROWS).mean() > 0.99
    balanced = classifier(epochs=2, class_weight="balanced").fit(ROWS[TRAIN], DIGITS[TRAIN])
    counted = classifier(epochs=2, class_weight=dict(enumerate(30 / np.bincount(DIGITS[TRAIN]))))
    assert balanced.model_.sha256() == counted.fit(ROWS[TRAIN], DIGITS[TRAIN]).model_.sha256()


def test_early_stopping_sets_images_aside_and_keeps_the_best_epoch():
    made = classifier(early_stopping=True, patience=2, epochs=80, schedule="constant", learning_rate=0.02)
    made.fit(ROWS[TRAIN], DIGITS[TRAIN])
    assert made.n_iter_ == len(made.validation_loss_curve_) == made.best_epoch_ + 2 < 80
    assert made.best_epoch_ == int(np.argmin(made.validation_loss_curve_)) + 1
    assert made.score(ROWS[REST], DIGITS[REST]) > 0.85


def test_validation_images_can_be_given():
    made = classifier(epochs=3).fit(ROWS[TRAIN], DIGITS[TRAIN], X_val=ROWS[REST], y_val=DIGITS[REST])
    own = -made.predict_log_proba(ROWS[REST])[np.arange(60), DIGITS[REST]]
    assert made.validation_loss_curve_[-1] == pytest.approx(own.mean(), rel=1e-5)
    assert len(made.validation_loss_curve_) == 3


def test_a_class_with_one_image_can_be_trained():
    chosen = np.flatnonzero((DIGITS < 2) | (np.arange(len(DIGITS)) == np.flatnonzero(DIGITS == 7)[0]))
    made = classifier(early_stopping=True).fit(ROWS[chosen], DIGITS[chosen])
    assert made.classes_.tolist() == [0, 1, 7]


def test_warm_start_goes_on_where_the_last_fit_ended():
    made = classifier(epochs=3, warm_start=True).fit(ROWS[TRAIN], DIGITS[TRAIN])
    first = made.loss_curve_[-1]
    made.fit(ROWS[TRAIN], DIGITS[TRAIN])
    assert made.loss_curve_[0] < 1.2 * first
    assert made.n_iter_ == 3
    made.set_params(warm_start=False).fit(ROWS[TRAIN], DIGITS[TRAIN])
    assert made.loss_curve_[0] > 2 * first


def test_partial_fit_learns_batch_by_batch():
    made = classifier(learning_rate=0.01)
    for _ in range(6):
        for first in range(0, 300, 100):
            part = slice(first, first + 100)
            made.partial_fit(ROWS[part], DIGITS[part], classes=np.arange(12))
    assert made.score(ROWS[REST], DIGITS[REST]) > 0.85
    assert made.n_iter_ == len(made.loss_curve_) == 18
    assert made.predict_proba(ROWS[:2]).shape == (2, 12)


def test_partial_fits_go_on_as_one_training_would():
    """Each call is the next epoch: momentum, step count and the random numbers go on."""
    options = {"optimizer": "adam", "schedule": "constant", "learning_rate": 0.01}
    whole = classifier("conv4-relu-dropout0.3-pool", epochs=3, **options).fit(ROWS[TRAIN], DIGITS[TRAIN])
    parts = classifier("conv4-relu-dropout0.3-pool", **options)
    for _ in range(3):
        parts.partial_fit(ROWS[TRAIN], DIGITS[TRAIN], classes=np.arange(10))
    assert parts.model_.sha256() == whole.model_.sha256()
    again = pickle.loads(pickle.dumps(parts)).partial_fit(ROWS[TRAIN], DIGITS[TRAIN])
    assert again.model_.sha256() == parts.partial_fit(ROWS[TRAIN], DIGITS[TRAIN]).model_.sha256()


def test_partial_fit_after_fit_keeps_what_was_learned(fitted):
    made = pickle.loads(pickle.dumps(fitted)).set_params(learning_rate=None).partial_fit(ROWS[REST], DIGITS[REST])
    assert made.score(ROWS[TRAIN], DIGITS[TRAIN]) > 0.85
    assert made.model_.preprocessing == fitted.model_.preprocessing


def test_members_and_views_belong_to_the_model(fitted):
    many = classifier(members=3, views="shift1", augment="shift1", epochs=6).fit(ROWS[TRAIN], DIGITS[TRAIN])
    assert many.model_.members == 3
    assert len(many.loss_curve_) == many.n_iter_ == 18
    assert many.score(ROWS[REST], DIGITS[REST]) > 0.75
    text = "partial_fit and warm_start go on with one network, but this estimator was fitted with 3 members"
    assert refusal(many.partial_fit, ROWS[TRAIN], DIGITS[TRAIN]) == text
    assert refusal(many.set_params(warm_start=True).fit, ROWS[TRAIN], DIGITS[TRAIN]) == text
    parts = classifier(members=3).partial_fit(ROWS[TRAIN], DIGITS[TRAIN], np.arange(10))
    assert parts.model_.members == 1


def test_verbose_prints_a_line_an_epoch(capsys):
    classifier(epochs=2, verbose=True).fit(ROWS[TRAIN], DIGITS[TRAIN], X_val=ROWS[REST], y_val=DIGITS[REST])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1", "epoch 2"]
    assert "validation loss" in lines[0]


def test_a_notebook_shows_the_layers_as_a_table(fitted):
    html = fitted._repr_mimebundle_()["text/html"]
    table = layers_table(describe(fitted.model_.network, (8, 8, 1)), (8, 8, 1))
    assert html.endswith(table)
    assert fitted._repr_html_().endswith(table)
    assert '<td style="text-align:left">conv6</td>' in html
    assert "8 x 8 x 6" in html
    assert "conv6</td>" not in classifier()._repr_html_()


@pytest.mark.parametrize(
    ("features", "shape"),
    [(64, (8, 8, 1)), (784, (28, 28, 1)), (3072, (32, 32, 3)), (16, (4, 4, 1)), (9, (1, 9, 1)), (20, (1, 20, 1))],
)
def test_rows_of_features_become_images(features, shape):
    from convlet.estimator.inputs import picture_shape

    assert picture_shape(features) == shape


def test_an_image_shape_can_be_given():
    made = classifier(image_shape=(4, 16), epochs=1).fit(ROWS[TRAIN], DIGITS[TRAIN])
    assert made.image_shape_ == (4, 16, 1)
    assert made.predict(ROWS[:2].reshape(-1, 4, 16)).tolist() == made.predict(ROWS[:2]).tolist()


IMAGES = ROWS.reshape(-1, 8, 8)
NAN = ROWS[TRAIN].copy()
NAN[3, 5] = np.nan

REFUSED = [
    (
        {},
        (ROWS[TRAIN], np.zeros(300)),
        "ConvNetClassifier needs samples of at least 2 classes in the data, but the data contains only one class: 0.0",
    ),
    (
        {},
        (ROWS[TRAIN], DIGITS[TRAIN], (DIGITS[TRAIN] == 4).astype(float)),
        "ConvNetClassifier needs samples of at least 2 classes in the data, but the data contains only one class: 4",
    ),
    ({}, (ROWS[TRAIN], DIGITS[TRAIN], np.zeros(300)), "Sample weights must contain at least one non-zero number."),
    ({}, (ROWS[TRAIN], DIGITS[TRAIN], -np.ones(300)), "Negative values in data passed to `sample_weight`"),
    ({}, (ROWS[TRAIN], DIGITS[TRAIN], np.ones(3)), "sample_weight.shape == (3,), expected (300,)!"),
    ({}, (ROWS[TRAIN], DIGITS[TRAIN], np.ones((300, 2))), "Sample weights must be 1D array or scalar, got 2D array."),
    ({}, (NAN, DIGITS[TRAIN]), "Input X contains NaN."),
    ({}, (NAN.reshape(-1, 8, 8), DIGITS[TRAIN]), "Input X contains NaN."),
    ({}, (ROWS[TRAIN] * 1e300, DIGITS[TRAIN]), "Input X contains infinity or a value too large for dtype('float32')."),
    ({}, (ROWS[:4], DIGITS[:3]), "Found input variables with inconsistent numbers of samples: [4, 3]"),
    ({}, (IMAGES[:4], DIGITS[:3]), "Found input variables with inconsistent numbers of samples: [4, 3]"),
    (
        {},
        ([IMAGES[0], IMAGES[1][:5]], [0, 1]),
        "X holds images of different sizes, 5x8 and 8x8; bring them to one size first",
    ),
    (
        {},
        (IMAGES.reshape(-1, 2, 2, 4, 4), DIGITS),
        "X must be (n, features), (n, height, width) or (n, height, width, channels), but got (360, 2, 2, 4, 4)",
    ),
    ({}, (ROWS[TRAIN], None), "This ConvNetClassifier estimator requires y to be passed, but the target y is None."),
    (
        {},
        (ROWS[TRAIN], DIGITS[TRAIN], None, ROWS[REST], DIGITS[REST] + 5),
        "y_val contains previously unseen labels: [10, 11, 12, 13, 14]",
    ),
    ({}, (ROWS[TRAIN], DIGITS[TRAIN], None, ROWS[REST]), "X_val and y_val must be given together"),
    (
        {},
        (ROWS[TRAIN], DIGITS[TRAIN], None, ROWS[REST], DIGITS[:3]),
        "Found input variables with inconsistent numbers of samples: [60, 3]",
    ),
    ({"image_shape": (7, 9)}, (ROWS[TRAIN], DIGITS[TRAIN]), "image_shape (7, 9) has 63 pixels, but X has 64 features"),
    (
        {"image_shape": (64,)},
        (ROWS[TRAIN], DIGITS[TRAIN]),
        "image_shape must be (height, width) or (height, width, channels), but got (64,)",
    ),
    ({"image_shape": (4, 16)}, (IMAGES, DIGITS), "image_shape is (4, 16), but X has images of 8x8x1"),
    ({"class_weight": "balance"}, (ROWS, DIGITS), "class_weight must be a dict, 'balanced' or None, but got 'balance'"),
    ({"n_jobs": 0}, (ROWS, DIGITS), "n_jobs must be a whole number other than 0, or None, but got 0"),
    ({"epochs": 0}, (ROWS, DIGITS), "epochs must be a whole number from 1 to 2**32 - 1, but got 0"),
    (
        {"early_stopping": True, "validation_fraction": 1.0},
        (ROWS, DIGITS),
        "validation_fraction must be a number between 0 and 1, but got 1.0",
    ),
    (
        {"early_stopping": True},
        (ROWS[:2], DIGITS[:2]),
        "early_stopping needs a class with at least 2 samples to validate with",
    ),
    (
        {"architecture": "covn8"},
        (ROWS, DIGITS),
        "unknown token 'covn8' at position 1 of 'covn8'; did you mean 'conv8'?",
    ),
]


def refusal(call, *arguments):
    """The first line of the ValueError that the call ends in."""
    with pytest.raises(ValueError, match=r".") as caught:
        call(*arguments)
    return str(caught.value).splitlines()[0]


@pytest.mark.parametrize(("given", "arguments", "text"), REFUSED)
def test_what_cannot_be_fitted_is_refused_and_changes_nothing(given, arguments, text):
    made = classifier("dense4", epochs=1).fit(ROWS[:40] + 1, DIGITS[:40] > 4)
    before = made.predict_proba(ROWS[:5])
    made.set_params(**given)
    assert refusal(made.fit, *arguments) == text
    made.set_params(n_jobs=1)
    np.testing.assert_array_equal(made.predict_proba(ROWS[:5]), before)
    fresh = clone(made).set_params(**given)
    assert refusal(fresh.fit, *arguments) == text
    assert not [name for name in vars(fresh) if name.endswith("_")]


def test_a_training_that_diverges_is_a_value_error_and_changes_nothing(fitted):
    made = pickle.loads(pickle.dumps(fitted)).set_params(optimizer="sgd", learning_rate=1e12, schedule="constant")
    with pytest.raises(ValueError, match=r"^the (loss|gradient) .*; lower learning_rate$"):
        made.fit(ROWS[TRAIN], DIGITS[TRAIN])
    np.testing.assert_array_equal(made.predict_proba(ROWS), fitted.predict_proba(ROWS))
    assert made.n_iter_ == 12


@pytest.mark.parametrize(
    ("X", "text"),
    [
        (ROWS[:, :60], "X has 60 features, but ConvNetClassifier is expecting 64 features as input."),
        (IMAGES[:, :7], "X has images of 7x8x1, but ConvNetClassifier is expecting images of 8x8x1."),
        (NAN, "Input X contains NaN."),
    ],
)
def test_what_cannot_be_predicted_is_refused(fitted, X, text):
    assert refusal(fitted.predict, X) == text


@pytest.mark.parametrize(
    ("given", "arguments", "text"),
    [
        ({}, (ROWS, DIGITS), "classes must be passed on the first call to partial_fit."),
        (
            {"class_weight": "balanced"},
            (ROWS, DIGITS, range(10)),
            "class_weight 'balanced' is not supported for partial_fit, which does not see all labels; "
            "give a dict of weights",
        ),
        ({}, (ROWS, DIGITS, range(4)), f"y contains previously unseen labels: [4, 5, 6, 7, 8, 9]{NEW_CLASS}"),
    ],
)
def test_what_cannot_be_fitted_in_parts_is_refused(given, arguments, text):
    assert refusal(classifier(**given).partial_fit, *arguments) == text


def test_what_does_not_fit_the_fits_before_is_refused(fitted):
    made = pickle.loads(pickle.dumps(fitted))
    with pytest.raises(ValueError, match=r"^`classes=\[1, 2\]` is not the same as on last call to partial_fit, was: "):
        made.partial_fit(ROWS, DIGITS, classes=[1, 2])
    with pytest.raises(ValueError, match=r"^X has 63 features, but ConvNetClassifier is expecting 64 features"):
        made.partial_fit(ROWS[:, :63], DIGITS)
    made.set_params(warm_start=True)
    with pytest.raises(ValueError, match=r"^warm_start can only be used where `y` has the same classes"):
        made.fit(ROWS, DIGITS < 5)
    with pytest.raises(ValueError, match=r"^warm_start can only be used where `X` has images of the same shape"):
        made.fit(ROWS[:, :63], DIGITS)


def test_a_column_of_labels_is_taken_with_a_warning():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        classifier("dense4", epochs=1).fit(IMAGES, DIGITS[:, None])
    assert [str(w.message).startswith("A column-vector y was passed") for w in caught] == [True]


@pytest.mark.parametrize(
    ("columns", "word", "message"),
    [
        (32, "conv4-relu-pool", "layer 3 (pool): needs at least 2x2 pixels, but got 1x32 of shape 1x32x4; pool less before it or use larger images; the 32 columns of X were read as a 1x32x1 picture; image_shape sets another shape"),
        (13, "conv4k5v", "layer 1 (conv4k5v): needs at least 5x5 pixels, but got 1x13 of shape 1x13x1; pool less before it or use larger images; the 13 columns of X were read as a 1x13x1 picture; image_shape sets another shape"),
        (48, "pool5", "layer 1 (pool5): needs at least 5x5 pixels, but got 4x4 of shape 4x4x3; pool less before it or use larger images; the 48 columns of X were read as a 4x4x3 picture; image_shape sets another shape"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_network_that_does_not_fit_says_how_the_columns_were_read(columns, word, message, method):
    X, y = np.random.default_rng(0).random((12, columns)), np.arange(12) % 2
    more = {"classes": [0, 1]} if method == "partial_fit" else {}
    with pytest.raises(ArchitectureError) as caught:
        getattr(ConvNetClassifier(word, epochs=1), method)(X, y, **more)
    assert str(caught.value) == message


def test_nothing_is_said_of_a_shape_that_was_given_or_of_a_word_that_is_none():
    X, y = np.random.default_rng(0).random((12, 32)), np.arange(12) % 2
    for images, given in ((X, (1, 32)), (X, (2, 16)), (X.reshape(12, 1, 32), None)):
        with pytest.raises(ArchitectureError) as caught:
            ConvNetClassifier("pool3", image_shape=given, epochs=1).fit(images, y)
        assert "columns" not in str(caught.value)
    with pytest.raises(ArchitectureError) as caught:
        ConvNetClassifier("pol", epochs=1).fit(X, y)
    assert "columns" not in str(caught.value)


def test_going_on_with_another_guess_says_so():
    y = np.arange(12) % 2
    classifier = ConvNetClassifier("conv2", epochs=1, warm_start=True)
    classifier.fit(np.random.default_rng(0).random((12, 16)), y)
    with pytest.raises(ValueError, match="warm_start can only be used") as caught:
        classifier.fit(np.random.default_rng(0).random((12, 18)), y)
    assert str(caught.value).endswith(
        "Previously got 4x4x1, `X` has 1x18x1; the 18 columns of X were read as a 1x18x1 picture; image_shape sets another shape"
    )
