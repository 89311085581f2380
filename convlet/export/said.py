"""What every file that an export writes says about itself."""

from __future__ import annotations

from convlet import __version__
from convlet.export.graph import Graph
from convlet.export.targets import Options, Target


def facts(graph: Graph, name: str, target: Target, options: Options) -> dict[str, str]:
    """Return the version of convlet, the model's hash, the options and what is not carried, as short texts."""
    found = {
        "convlet": __version__,
        "target": name,
        "options": ", ".join(f"{option} {value}" for option, value in options.items()) or "none",
        "architecture": graph.architecture,
        "weights_sha256": graph.sha256,
        "members": str(len(graph.members)),
        "views": str(len(graph.views)),
    }
    left = graph.not_carried(target.carries)
    return found | ({"not_carried": left.removeprefix("not carried: ")} if left else {})
