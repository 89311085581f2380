"""One member of an ensemble after its training; a single network is an ensemble of one."""

from __future__ import annotations

from dataclasses import dataclass

from convlet.layers.base import Array
from convlet.records.checkpoint import MemberValues
from convlet.records.training import History
from convlet.training.snapshot import Snapshot


@dataclass(eq=False)
class Member:
    """A member whose training has ended.

    parameters, state : float32 (P,) and (S,), what it predicts with
    steps : updates it took
    ended_early : whether whoever watched it ended the training
    validation_logits : float32 (n, K), what these parameters put out for the validation images; None if that epoch was
        not validated here, as after a resume
    """

    parameters: Array
    state: Array
    history: History
    best_epoch: int
    steps: int
    images: int
    train_seconds: float
    rollbacks: list[str]
    ended_early: bool = False
    snapshot: Snapshot | None = None
    validation_logits: Array | None = None

    def figures(self) -> MemberValues:
        """All but the arrays, in values that JSON knows."""
        return {
            "history": self.history,
            "best_epoch": self.best_epoch,
            "steps": self.steps,
            "images": self.images,
            "train_seconds": self.train_seconds,
            "rollbacks": self.rollbacks,
        }
