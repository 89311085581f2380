"""Steps and the place in the schedule, with and without a time budget."""

from __future__ import annotations

from itertools import pairwise

import pytest

from convlet.training.pace import Pace


def test_without_a_budget_place_and_step_are_the_same():
    pace = Pace(7)
    places = []
    while not pace.done:
        places.append(pace.place)
        pace.advance()
        pace.look(1e9)
    assert places == [0, 1, 2, 3, 4, 5, 6]
    assert (pace.step, pace.steps) == (7, 7)


@pytest.mark.parametrize("seconds_a_step", [0.5, 1.0, 4.0])
def test_the_steps_follow_the_clock_and_the_place_reaches_the_end(seconds_a_step):
    """Planned for a step a second; it is slower or faster from the first step on."""
    pace = Pace(1000, budget=1000.0)
    seconds, places = 0.0, []
    while not pace.done:
        places.append(pace.place)
        pace.advance()
        seconds += seconds_a_step
        pace.look(seconds)
    assert seconds == pytest.approx(1000, rel=0.01)
    assert places == sorted(places)
    assert pace.place == pytest.approx(1000)
    gaps = [after - before for before, after in pairwise(places)]
    assert max(gaps[30:]) < 1.1 * seconds_a_step


def test_a_budget_too_small_for_a_step_still_takes_one():
    pace = Pace(0, budget=0.001)
    pace.advance()
    pace.look(5.0)
    assert pace.done
    assert pace.step == pace.steps == 1
