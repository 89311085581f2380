"""Early stopping: the best epoch so far on validation images, and when to give up waiting for a better one."""

from __future__ import annotations

from dataclasses import dataclass

from convlet.layers.base import Array


@dataclass
class Best:
    """The best epoch so far and the parameters it ended with.

    Parameters
    ----------
    patience : epochs without a better score after which `waited_enough` is true

    Source: Prechelt 1998, "Early stopping - but when?", the class UP of stopping criteria.
    """

    patience: int
    score: float = float("inf")
    epoch: int = 0
    parameters: Array | None = None
    state: Array | None = None
    _waited: int = 0

    def see(self, score: float, epoch: int, parameters: Array, state: Array) -> None:
        """An epoch ended with this score (lower is better), float32 parameters (P,) and state (S,); they are copied."""
        if score < self.score:
            self.score, self.epoch, self._waited = score, epoch, 0
            self.parameters, self.state = parameters.copy(), state.copy()
        else:
            self._waited += 1

    @property
    def waited_enough(self) -> bool:
        return self._waited >= self.patience
