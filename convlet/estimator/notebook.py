"""What a notebook shows of a ConvNetClassifier."""

from __future__ import annotations

from typing import Any

from sklearn import get_config
from sklearn.utils import estimator_html_repr

from convlet.network.costs import describe
from convlet.report.notebook.layers import layers_table


class NotebookMixin:
    """scikit-learn's diagram and, once the estimator is fitted, the layers of its network as a table."""

    def _html(self) -> str:
        html: str = estimator_html_repr(self)
        if hasattr(self, "model_") and hasattr(self, "image_shape_"):
            html += layers_table(describe(self.model_.network, self.image_shape_), self.image_shape_)
        return html

    def _repr_html_inner(self) -> str:
        return self._html()

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        """Text and, if scikit-learn is set to show diagrams, HTML."""
        shown = {"text/plain": repr(self)}
        if get_config()["display"] == "diagram":
            shown["text/html"] = self._html()
        return shown
