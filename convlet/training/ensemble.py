"""Several members: the same training from independent seeds, one after the other, kept as one model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from convlet.errors import CheckpointError
from convlet.learning.settings import Settings
from convlet.random import MEMBER, derived_seed
from convlet.records.training import joined
from convlet.training.member import Member
from convlet.training.state import Keeper, State

Train = Callable[[Settings, int, Keeper | None], Member]
"""Trains one member, by its settings, its number from 0 and who keeps where it stands."""


def train_members(settings: Settings, train: Train, keeper: Keeper | None) -> list[Member]:
    """Every member in order; those that a keeper has from before are not trained again.

    A time budget is shared: the first member finds out how many steps fit into its part, the others take as many.
    """
    if settings.members == 1:
        return [train(settings, 0, keeper)]
    kept = Kept(keeper) if keeper is not None else None
    members = kept.open() if kept is not None else []
    while len(members) < settings.members and not (members and members[-1].ended_early):
        number = len(members)
        own = settings.changed(seed=derived_seed(settings.seed, MEMBER, number))
        if settings.minutes is not None:
            share = {"minutes": settings.minutes / settings.members}
            own = own.changed(**({"minutes": None, "steps": members[0].steps} if members else share))
        members.append(train(own, number, kept))
    return members


@dataclass
class Kept:
    """A keeper of one member's training, which keeps the members before it too.

    Parameters
    ----------
    keeper : the keeper of the whole training
    """

    keeper: Keeper
    members: list[Member] = field(default_factory=list)
    _begun: State | None = None

    def open(self) -> list[Member]:
        """The members that are finished; `begin` then gives the state of the next."""
        state = self.keeper.begin()
        if state is not None:
            try:
                self._take(state)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise CheckpointError(f"the checkpoint does not fit this training ({error}); begin a new run") from None
        return self.members

    def begin(self) -> State | None:
        """See `Keeper.begin`."""
        state, self._begun = self._begun, None
        return state

    def after_step(self, state: Callable[[], State], epoch_ended: bool) -> None:
        """See `Keeper.after_step`."""
        self.keeper.after_step(lambda: self._with_members(state()), epoch_ended)

    def end(self, state: State) -> None:
        """See `Keeper.end`."""
        self.keeper.end(self._with_members(state))

    def _with_members(self, state: State) -> State:
        """The state of one member and all that the finished ones are; its history is the whole one's."""
        arrays = dict(state.arrays)
        for number, one in enumerate(self.members, start=1):
            arrays |= {f"member{number}.parameters": one.parameters, f"member{number}.state": one.state}
        values = state.values.copy()
        own = values.pop("history")
        values["members"] = [one.figures() for one in self.members]
        values["own_history"] = own
        values["history"] = joined([*(one.history for one in self.members), own])
        return State(arrays, values)

    def _take(self, state: State) -> None:
        values, arrays = state.values.copy(), dict(state.arrays)
        for number, figures in enumerate(values.pop("members"), start=1):
            parameters, own = (arrays.pop(f"member{number}.{name}") for name in ("parameters", "state"))
            self.members.append(Member(parameters, own, **figures))
        values["history"] = values.pop("own_history")
        self._begun = State(arrays, values)
