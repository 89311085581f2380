"""What must agree before a release: the version, its date, the lower bounds, and what the README says to type."""

from __future__ import annotations

import re
import tomllib

from packaging.requirements import Requirement

import convlet
from tests.release.conftest import ROOT

RELEASE = re.compile(r"## (\S+) - (\d{4}-\d\d-\d\d)")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TRIED_BY_PATCH = ("ruff", "mypy")  # pinned, so they have no lower bound


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def field(name):
    """A field of CITATION.cff that stands on a line of its own."""
    (found,) = re.findall(rf"^{name}: (.*)$", text("CITATION.cff"), re.MULTILINE)
    return found


def test_the_changelog_begins_with_what_is_unreleased_and_the_newest_release():
    unreleased, newest, *_ = re.findall(r"^## .*$", text("CHANGELOG.md"), re.MULTILINE)
    assert unreleased == "## [Unreleased]"
    assert RELEASE.fullmatch(newest).groups() == (convlet.__version__, field("date-released"))


def test_the_citation_is_of_this_version():
    assert field("version") == convlet.__version__
    assert field("cff-version") == "1.2.0"
    assert field("license") == PROJECT["license"]


def test_the_version_stands_in_one_place():
    assert "version" not in PROJECT
    assert "version" in PROJECT["dynamic"]


def test_lower_bounds_are_the_versions_that_are_tried():
    extras = [one for name in ("plot", "parquet", "test") for one in PROJECT["optional-dependencies"][name]]
    needed = {Requirement(one) for one in [*PROJECT["dependencies"], *extras]}
    bounds = {one.name: str(one.specifier).removeprefix(">=") for one in needed if one.name not in TRIED_BY_PATCH}
    lines = [line.partition("#")[0].strip() for line in text("tests/release/oldest.txt").splitlines()]
    tried = dict(line.split("==") for line in lines if line)
    assert {name: version for name, version in tried.items() if name in bounds} == {
        name: bound if bound.count(".") > 1 else f"{bound}.0" for name, bound in bounds.items()
    }


def test_numba_is_asked_for_where_it_has_wheels():
    places = {
        **dict.fromkeys([("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64")], True),
        **dict.fromkeys([("win32", "AMD64"), ("win32", "ARM64")], True),
        **dict.fromkeys([("darwin", "x86_64"), ("linux", "riscv64"), ("linux", "armv7l"), ("win32", "x86")], False),
        **dict.fromkeys([("freebsd14", "amd64"), ("emscripten", "wasm32")], False),
    }
    for needed in map(Requirement, PROJECT["dependencies"]):
        if needed.name in ("numba", "llvmlite"):
            asked = {
                one: needed.marker.evaluate({"sys_platform": one[0], "platform_machine": one[1]}) for one in places
            }
            assert asked == places, needed.name
        else:
            assert needed.marker is None


def test_nothing_tells_people_to_install_convlet_by_its_name():
    """No index has it; what it would install there could be anybody's."""
    found = {}
    for path in [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").glob("*.md"),
        *ROOT.glob("convlet/**/*.py"),
    ]:
        found[path] = re.findall(r"pip install [\"']?convlet.*", path.read_text(encoding="utf-8"))
    assert len(found) > 100
    assert {path: lines for path, lines in found.items() if lines} == {}
