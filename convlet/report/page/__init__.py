"""`report.html`: one file that shows what networks learned, made from findings. No network, no foreign scripts."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from convlet.records.findings import Findings
from convlet.report.page.comparison import comparison_view
from convlet.report.page.curves import curves_view
from convlet.report.page.gallery import Gallery
from convlet.report.page.inside import inside_view
from convlet.report.page.repeat import repeat_view
from convlet.report.page.study import study_view
from convlet.report.page.words import first_large, isolated, made_plain, natural

TEMPLATES = Path(__file__).parent / "templates"

MOST_BYTES = 2_900_000
"""A report larger than this could no longer be sent by mail."""

BYTES_FOR_GALLERIES = 2_100_000
"""What the images behind the cells of all confusion matrices may take."""


RESERVED = 0.35
"""Of an equal share of those bytes: what the first data set leaves at least to each of the others."""


def render(findings: Findings) -> str:
    """The whole page for `convlet.findings.findings`, at most MOST_BYTES long where its images can be fewer."""
    plain: Findings = made_plain(findings)
    page = _page(plain, BYTES_FOR_GALLERIES)
    over = len(page.encode()) - MOST_BYTES
    return page if over <= 0 else _page(plain, max(0, BYTES_FOR_GALLERIES - over))


def _page(findings: Findings, gallery_bytes: int) -> str:
    result = findings["result"]
    studies, galleries = [], []
    reserve = int(RESERVED * gallery_bytes / max(1, len(findings["studies"])))
    left = gallery_bytes
    for number, study in enumerate(findings["studies"]):
        later = len(findings["studies"]) - number - 1
        gallery = Gallery.of(f"s{number}", study, left - later * reserve)
        left -= sum(sheet.size for _, sheet in gallery.sheets) if gallery else 0
        galleries.append(gallery)
        studies.append(study_view(study, gallery, number) | {"inside": inside_view(study)})
    script = (TEMPLATES / "script.js").read_text()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = _environment().get_template("page.html")
    return template.render(
        comparison=comparison_view(findings),
        curves=curves_view(result, findings["schedules"]),
        studies=studies,
        galleries=[gallery for gallery in galleries if gallery is not None],
        repeat=repeat_view(result),
        script=script,
        script_hash=f"sha256-{digest}",
    )


@cache
def _environment() -> Any:
    """Everything that is put into a page is escaped, unless a chart of ours made it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "sort_keys": True}
    environment.filters["isolated"] = isolated
    environment.filters["natural"] = natural
    environment.filters["first_large"] = first_large
    return environment
