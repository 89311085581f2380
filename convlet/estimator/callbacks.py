"""scikit-learn's callbacks (from version 1.9 on) around a training; nothing where there are none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Method = TypeVar("Method", bound=Callable[..., Any])

try:
    from sklearn.callback import CallbackSupportMixin
    from sklearn.callback import with_callbacks as _sklearn_with_callbacks
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands where scikit-learn has no callbacks."""

    def _sklearn_with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        return method


def with_callbacks(method: Method) -> Method:
    """The method with scikit-learn's callbacks around it; it keeps its type for editors."""
    wrapped: Method = _sklearn_with_callbacks(method)
    return wrapped


class FitTask:
    """The task "fit" of an estimator with one task under it for each epoch, told to its callbacks.

    Parameters
    ----------
    epochs : how many epochs there will be at most
    told : X, y and metadata, as the hooks get them
    """

    def __init__(self, estimator: Any, epochs: int, told: Mapping[str, object]) -> None:
        self.estimator, self.told = estimator, told
        self._root: Any = None
        self._epoch: Any = None
        if hasattr(estimator, "_init_callback_context"):
            self._root = estimator._init_callback_context(max_subtasks=epochs)
            self._root.call_on_fit_task_begin(estimator=estimator, **told)
            self._begin_epoch()

    def end_epoch(self, fitted: Callable[[], dict[str, object]], last: bool) -> bool:
        """An epoch has ended; whether a callback wants training to end.

        fitted : gives the attributes that an estimator fitted so far would have
        """
        if self._epoch is None:
            return False
        told = {"estimator": self.estimator, "reconstruction_attributes": fitted, **self.told}
        stop = bool(self._epoch.call_on_fit_task_end(**told))
        if not (stop or last):
            self._begin_epoch()
        return stop

    def end(self, fitted: Callable[[], dict[str, object]]) -> None:
        """Training has ended."""
        if self._root is not None:
            self._root.call_on_fit_task_end(estimator=self.estimator, reconstruction_attributes=fitted, **self.told)

    def _begin_epoch(self) -> None:
        if self._root is not None:
            self._epoch = self._root.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(estimator=self.estimator, **self.told)
