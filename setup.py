"""What pyproject.toml cannot say: the README as a package index shows it, where no link to our files works."""

import re
from pathlib import Path

from setuptools import setup

PICTURE = re.compile(r"!\[[^\]]*\]\((?!https?:)[^)]*\)\n*")
LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|#)([^)]*)\)")
CLOSING = "\nThe files that this page names are in the source archive.\n"


def standing_alone(readme: str) -> str:
    """Leave out pictures of ours, and write each link to a file of ours as text."""
    readme = PICTURE.sub("", readme)
    return LINK.sub(lambda found: found[1] if found[1] == found[2] else f"{found[1]} ({found[2]})", readme) + CLOSING


if __name__ == "__main__":
    text = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
    setup(long_description=standing_alone(text), long_description_content_type="text/markdown")
