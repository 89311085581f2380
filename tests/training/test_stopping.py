"""Early stopping: what is kept, and when waiting ends."""

from __future__ import annotations

import numpy as np

from convlet.training.stopping import Best


def test_the_best_is_kept_and_waiting_ends_after_so_many_epochs_without_a_better_one():
    best, values = Best(patience=2), np.zeros(1, np.float32)
    waited = []
    for epoch, score in enumerate([0.5, 0.4, 0.4, 0.3, 0.6, 0.3], start=1):
        values[0] = epoch
        best.see(score, epoch, values, values)
        waited.append(best.waited_enough)
    assert waited == [False, False, False, False, False, True]
    assert (best.epoch, best.score) == (4, 0.3)
    assert best.parameters.tolist() == best.state.tolist() == [4]
