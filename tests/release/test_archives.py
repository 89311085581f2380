"""What is in the archives of a release, and that both work away from the repository."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from importlib.metadata import version

import pytest
from packaging.requirements import Requirement

import convlet
from tests.release.conftest import ROOT, files, run

MADE_BY_SETUPTOOLS = re.compile(r"PKG-INFO|setup\.cfg|convlet\.egg-info/.*")
NOT_FOR_A_RELEASE = {".gitignore"}


@pytest.fixture(scope="session")
def metadata(archives):
    with zipfile.ZipFile(archives.wheel) as wheel:
        return message_from_bytes(wheel.read(f"convlet-{convlet.__version__}.dist-info/METADATA"))


@pytest.fixture(scope="session")
def unpacked(archives, tmp_path_factory):
    place = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(archives.source) as source:
        source.extractall(place, filter="data")
    return place / f"convlet-{convlet.__version__}"


@pytest.fixture(scope="session")
def outside():
    """The environment of a command that finds this repository by no variable."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.fixture(scope="session")
def installed(archives, outside, tmp_path_factory):
    """A virtual environment with the wheel in it; what convlet needs comes from the one that runs the tests."""
    place = tmp_path_factory.mktemp("installed")
    run([sys.executable, "-m", "venv", "--without-pip", place], place)
    scripts = place / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / "python"
    given = ["--no-deps", "--no-index", "--disable-pip-version-check", archives.wheel]
    run([sys.executable, "-m", "pip", "--python", python, "install", *given], place, env=outside)
    known = [path for path in sys.path if path.endswith("-packages")]
    library = run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], place, env=outside)
    with open(os.path.join(library.strip(), "needed.pth"), "w") as file:
        file.write("\n".join(known))
    return scripts


def test_an_index_takes_both_archives(archives):
    assert archives.wheel.name == f"convlet-{convlet.__version__}-py3-none-any.whl"
    assert archives.source.name == f"convlet-{convlet.__version__}.tar.gz"
    run([sys.executable, "-m", "twine", "check", "--strict", *archives[:2]], archives.tree)


def test_the_wheel_holds_the_package_and_nothing_else(archives):
    with zipfile.ZipFile(archives.wheel) as wheel:
        found = {name for name in wheel.namelist() if not name.startswith(f"convlet-{convlet.__version__}.dist-info/")}
    assert found == {f"convlet/{name}" for name in files(archives.tree / "convlet")}


def test_the_source_archive_holds_all_that_the_repository_does(archives, unpacked):
    found = {name for name in files(unpacked) if not MADE_BY_SETUPTOOLS.fullmatch(name)}
    assert found == files(archives.tree)
    if (ROOT / ".git").exists() and shutil.which("git"):
        kept = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
        assert {name for name in kept.stdout.split("\0") if name} - NOT_FOR_A_RELEASE - found == set()


def test_the_version_and_the_readme_are_those_of_the_repository(metadata):
    assert metadata["Version"] == convlet.__version__
    assert metadata["Description-Content-Type"] == "text/markdown"
    text = metadata.get_payload()
    assert text.strip().startswith("# convlet\n")
    assert text.endswith("The files that this page names are in the source archive.\n")
    links = re.findall(r"\]\(([^)]*)\)", text)
    assert [link for link in links if not link.startswith(("https:", "#"))] == []


def test_links_and_pictures_of_ours_are_text_on_an_index():
    where = importlib.util.spec_from_file_location("setup_of_convlet", ROOT / "setup.py")
    setup = importlib.util.module_from_spec(where)
    where.loader.exec_module(setup)
    readme = (
        "See [docs/a.md](docs/a.md), [a long\nlabel](docs/b.md) and [there](https://c.org/d).\n\n"
        "![Errors](e.svg)\n\nIn [short](#short): `f([1], (2))`.\n"
    )
    assert setup.standing_alone(readme) == (
        "See docs/a.md, a long\nlabel (docs/b.md) and [there](https://c.org/d).\n\n"
        "In [short](#short): `f([1], (2))`.\n\nThe files that this page names are in the source archive.\n"
    )


def test_what_it_needs_is_what_the_tests_run_with(metadata):
    needed = [Requirement(text) for text in metadata.get_all("Requires-Dist")]
    now = [one for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    assert {"numpy", "click", "scikit-learn"} <= {one.name for one in now}
    assert [str(one) for one in now if not one.specifier.contains(version(one.name), prereleases=True)] == []


def test_the_wheel_works_away_from_the_repository(installed, outside, tmp_path):
    say = "import convlet; print(convlet.__version__, convlet.__file__)"
    found, place = run([installed / "python", "-c", say], tmp_path, env=outside).split()
    assert found == convlet.__version__
    assert place.startswith(str(installed.parent))
    program = installed / "convlet"
    assert run([program, "--version"], tmp_path, env=outside) == f"convlet, version {convlet.__version__}\n"
    assert "compare" in run([program, "--help"], tmp_path, env=outside)
    train = [program, "train", "digits", "-a", "conv4-relu-pool", "--epochs", "1", "--quiet", "--output", "run"]
    run(train, tmp_path, env=outside)
    assert {"model.safetensors", "report.html", "result.json"} <= files(tmp_path / "run")


def test_the_tests_run_from_the_unpacked_source_archive(unpacked, outside):
    """A few of them: that none is missing, nor a file that one reads, is tested above."""
    tests = ["tests/network/test_architecture.py", "tests/layers/test_contract.py", "tests/report/test_numbers.py"]
    done = run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v", *tests], unpacked, env=outside)
    assert re.search(r"^=* ?\d+ passed", done, re.MULTILINE)
    assert "failed" not in done
