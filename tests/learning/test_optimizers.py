"""Optimizers: PyTorch's results over several steps, slices, and what weight decay leaves out."""

from __future__ import annotations

import numpy as np
import pytest

from convlet import random
from convlet.learning.optimizers import OPTIMIZERS, SGD, Adagrad, Adam, AdamW, RMSprop

COUNT, STEPS = 40, 6

CASES = [
    (SGD(momentum=0.0), "SGD", {}),
    (SGD(momentum=0.9), "SGD", {"momentum": 0.9}),
    (SGD(0.1, 0.8, True), "SGD", {"momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
    (Adagrad(), "Adagrad", {"eps": 1e-3}),
    (
        Adagrad(0.2, 1e-6, 0.5),
        "Adagrad",
        {"eps": 1e-6, "weight_decay": 0.2, "initial_accumulator_value": 0.5},
    ),
    (RMSprop(), "RMSprop", {}),
    (RMSprop(0.1, 0.9, 1e-5), "RMSprop", {"alpha": 0.9, "eps": 1e-5, "weight_decay": 0.1}),
    (Adam(), "Adam", {}),
    (Adam(0.1, 0.8, 0.95, 1e-4), "Adam", {"betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.1}),
    (AdamW(), "AdamW", {"weight_decay": 0.0}),
    (AdamW(0.3, 0.8, 0.95, 1e-4), "AdamW", {"betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.3}),
]


def numbers(stream, count=COUNT):
    return random.normal((count,), seed=1, purpose=random.INITIAL, stream=stream)


def run(optimizer, slices, decay):
    """The parameters after a few steps, each made slice by slice."""
    parameters, slots = numbers(0), optimizer.new_slots(COUNT)
    for step in range(1, STEPS + 1):
        for part in slices:
            own = {name: values[part] for name, values in slots.items()}
            optimizer.update(parameters[part], numbers(step)[part], own, 0.1 / step, step, decay[part])
    return parameters


@pytest.mark.parametrize(("optimizer", "name", "options"), CASES)
def test_updates_equal_pytorch(optimizer, name, options):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Parameter(torch.tensor(numbers(0)))
    rival = getattr(torch.optim, name)([theirs], lr=0.1, **options)
    for step in range(1, STEPS + 1):
        rival.param_groups[0]["lr"] = 0.1 / step
        theirs.grad = torch.tensor(numbers(step))
        rival.step()
    ours = run(optimizer, [slice(None)], np.ones(COUNT, np.float32))
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("optimizer", [case[0] for case in CASES])
def test_an_update_of_slices_gives_the_bits_of_one_update(optimizer):
    decay = (np.arange(COUNT) % 2).astype(np.float32)
    whole = run(optimizer, [slice(None)], decay)
    parts = run(optimizer, [slice(0, 7), slice(7, 8), slice(8, COUNT)], decay)
    assert whole.tobytes() == parts.tobytes()


@pytest.mark.parametrize("kind", list(OPTIMIZERS.values()))
def test_weight_decay_leaves_out_what_the_mask_leaves_out(kind):
    decay = (np.arange(COUNT) % 2).astype(np.float32)
    plain, decayed = (run(kind(weight), [slice(None)], decay) for weight in (0.0, 0.5))
    assert np.array_equal(plain[decay == 0], decayed[decay == 0])
    assert not np.any(plain[decay == 1] == decayed[decay == 1])


@pytest.mark.parametrize("kind", list(OPTIMIZERS.values()))
def test_an_update_leaves_the_gradient_alone(kind):
    optimizer = kind(0.1)
    gradient, decay = numbers(1), np.ones(COUNT, np.float32)
    gradient.flags.writeable = decay.flags.writeable = False
    slots = optimizer.new_slots(COUNT)
    assert tuple(slots) == kind.slots
    optimizer.update(numbers(0), gradient, slots, 0.1, 1, decay)
    assert all(values.dtype == np.float32 for values in slots.values())


def test_adagrad_begins_with_the_accumulator_it_is_given():
    assert Adagrad(initial_accumulator=0.25).new_slots(3)["squares"].tolist() == [0.25] * 3


def test_sgd_with_momentum_by_hand():
    parameters, slots = np.array([1.0], np.float32), {"velocity": np.array([2.0], np.float32)}
    SGD(momentum=0.5).update(parameters, np.array([3.0], np.float32), slots, 0.25, 1, np.ones(1, np.float32))
    assert slots["velocity"].tolist() == [4.0]
    assert parameters.tolist() == [0.0]
