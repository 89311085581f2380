"""Single images worth a look: in order, with their names, and labels that look wrong."""

from __future__ import annotations

import numpy as np

from convlet.evaluation import mistakes
from tests.evaluation.test_figures import LABELS, NAMES, PREDICTED, SCORES


def test_mistakes_come_surest_first():
    found = mistakes.mistakes(SCORES, LABELS, NAMES)
    assert len(found) == (PREDICTED != LABELS).sum()
    assert all(row["label"] != row["predicted"] for row in found)
    sure = [row["probability"] for row in found]
    assert sure == sorted(sure, reverse=True)
    assert sure[0] == SCORES[PREDICTED != LABELS].max()


def test_least_certain_images_have_the_smallest_lead():
    found = mistakes.least_certain(SCORES, 5)
    lead = np.sort(SCORES, 1)[:, -1] - np.sort(SCORES, 1)[:, -2]
    np.testing.assert_array_equal(found, np.argsort(lead, kind="stable")[:5])


def test_a_label_is_suspect_where_another_class_is_as_sure_as_that_class_usually_is():
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.05, 0.95], [0.2, 0.8], [0.1, 0.9], [0.4, 0.6]])
    labels = np.array([0, 0, 1, 1, 0, 0])
    # class 1 usually has (0.95 + 0.8) / 2 = 0.875: image 4 is suspect, image 5 is merely a mistake
    assert mistakes.suspected_labels(probabilities, labels).tolist() == [4]


def test_a_label_is_suspect_where_another_class_is_sure_enough_though_that_class_is_usually_surer():
    probabilities = np.array([[0.999, 0.001], [0.001, 0.999], [0.02, 0.98], [0.15, 0.85]])
    # class 1 has (0.999) on the average of its images; image 2 has less, but enough
    assert mistakes.suspected_labels(probabilities, np.array([0, 1, 0, 0])).tolist() == [2]


def test_planted_wrong_labels_are_suspected_first():
    labels = LABELS.copy()
    sure = np.full((200, 4), 0.02)
    sure[np.arange(200), labels] = 0.94
    planted = [3, 50, 120]
    labels[planted] = (labels[planted] + 1) % 4
    assert sorted(mistakes.suspected_labels(sure, labels).tolist()) == planted


def test_every_image_keeps_its_name():
    names = np.array([f"set/{k}.png" for k in range(len(LABELS))], object)
    for found in (mistakes.mistakes(SCORES, LABELS, NAMES, names), mistakes.suspects(SCORES, LABELS, NAMES, names)):
        assert found
        assert all(row["name"] == f"set/{row['image']}.png" for row in found)
    assert all("name" not in row for row in mistakes.mistakes(SCORES, LABELS, NAMES))


def test_suspects_are_the_images_of_suspected_labels_with_the_class_that_is_suggested():
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.05, 0.95], [0.2, 0.8], [0.1, 0.9], [0.4, 0.6]])
    found = mistakes.suspects(probabilities, np.array([0, 0, 1, 1, 0, 0]), ("cat", "dog"))
    wanted = {"image": 4, "label": "cat", "suggested": "dog", "probability": 0.9, "label_probability": 0.1}
    assert found == [wanted]
    assert mistakes.suspects(probabilities, np.array([0, 0, 1, 1, 0, 0]), ("cat", "dog"), count=0) == []
