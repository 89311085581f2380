"""Learning rates: the values of each schedule, and PyTorch's one-cycle and cosine."""

from __future__ import annotations

import pytest

from convlet.learning.schedules import Constant, Cosine, Linear, OneCycle, StepDecay, WarmUp


def rates(schedule, steps):
    return [schedule.rate(step, steps) for step in range(steps)]


def test_constant_stays_the_same():
    assert rates(Constant(0.1), 4) == [0.1] * 4


def test_step_decay_multiplies_after_every_so_many_steps():
    assert rates(StepDecay(0.8, 0.5, 2), 5) == [0.8, 0.8, 0.4, 0.4, 0.2]


def test_cosine_falls_from_the_learning_rate_towards_zero():
    assert rates(Cosine(0.4), 4) == pytest.approx([0.4, 0.2 * (1 + 0.5**0.5), 0.2, 0.2 * (1 - 0.5**0.5)], rel=1e-12)


def test_linear_falls_evenly():
    assert rates(Linear(0.4), 4) == pytest.approx([0.4, 0.3, 0.2, 0.1])


def test_a_warm_up_climbs_evenly_and_leaves_the_rest_to_the_schedule():
    assert rates(WarmUp(Linear(0.4), 0.5), 8) == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.3, 0.2, 0.1])
    assert rates(WarmUp(Constant(0.4), 0.5), 4) == pytest.approx([0.2, 0.4, 0.4, 0.4])
    assert rates(WarmUp(Constant(0.4), 0.5), 1) == [0.4]


def test_one_cycle_climbs_for_three_tenths_and_falls_to_a_ten_thousandth():
    cycle = rates(OneCycle(1.0), 100)
    assert cycle[0] == pytest.approx(1 / 25)
    assert cycle[29] == pytest.approx(1.0)
    assert cycle[-1] == pytest.approx(1e-4)
    assert cycle[:30] == sorted(cycle[:30])
    assert cycle[29:] == sorted(cycle[29:], reverse=True)


@pytest.mark.parametrize(("steps", "expected"), [(1, [1.0]), (2, [1.0, 1e-4]), (3, [1.0, 0.50005, 1e-4])])
def test_one_cycle_of_a_few_steps_begins_at_the_peak(steps, expected):
    assert rates(OneCycle(1.0), steps) == pytest.approx(expected)


@pytest.mark.parametrize("steps", [4, 7, 10, 57])
def test_one_cycle_equals_pytorch(steps):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.006, total_steps=steps, div_factor=25, final_div_factor=1e4 / 25
    )
    for rate in rates(OneCycle(0.006), steps):
        assert rate == pytest.approx(theirs.get_last_lr()[0], rel=1e-9)
        optimizer.step()
        if theirs.last_epoch < steps - 1:
            theirs.step()


def test_cosine_equals_pytorch():
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
    for rate in rates(Cosine(0.3), 20):
        assert rate == pytest.approx(theirs.get_last_lr()[0], rel=1e-9)
        optimizer.step()
        theirs.step()
