"""Where a training stood: everything that its next step depends on, apart from settings and data."""

from __future__ import annotations

from dataclasses import dataclass

from convlet.layers.base import Array, Shape


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A point from which training can go on.

    Parameters
    ----------
    parameters, state : float32 (P,) and (S,)
    slots : float32 (P,) under each name of the optimizer's slots; where the next training's optimizer has others, it
        begins anew
    step : updates done so far; optimizers count by it
    epoch : passes begun so far; shuffling, dropout and augmentation are keyed by it, so no pass repeats another
    network : the word of the network with its head, and the shape (H, W, C) of its images; None if not known
    frozen : layers from the front that do not learn when training continues
    """

    parameters: Array
    state: Array
    slots: dict[str, Array]
    step: int
    epoch: int
    network: tuple[str, Shape] | None = None
    frozen: int = 0
