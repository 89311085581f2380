"""What a checkpoint holds beside its arrays. A name with an underscore is one that files have, so it stays."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from convlet.records.training import History


class PlaceValues(TypedDict):
    """See `convlet.training.standing.Place`."""

    epoch: int
    first: int
    images: int
    loss: float
    wrong: int
    rate: float
    seconds: float


class PaceValues(TypedDict):
    """See `convlet.training.pace.Pace`."""

    step: int
    steps: int
    place: float
    length: float
    budget: float | None
    _next_look: float


class BestValues(TypedDict):
    """See `convlet.training.stopping.Best`."""

    score: float
    epoch: int
    _waited: int


class MemberValues(TypedDict):
    """A member of an ensemble whose training has ended: see `convlet.training.member.Member`."""

    history: History
    best_epoch: int
    steps: int
    images: int
    train_seconds: float
    rollbacks: list[str]


class StateValues(TypedDict):
    """The state of a training between two steps: see `convlet.training.standing.Standing`.

    `anchor` is the state to go back to after a divergence, which has no history. Of several members `members` are the
    finished ones, `own_history` is that of the running one and `history` that of all.
    """

    place: PlaceValues
    pace: PaceValues
    best: BestValues | None
    images: int
    train_seconds: float
    seconds: float
    rate_scale: float
    rollbacks: list[str]
    history: NotRequired[History]
    anchor: NotRequired[StateValues]
    members: NotRequired[list[MemberValues]]
    own_history: NotRequired[History]
