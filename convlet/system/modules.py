"""Where Python looks for modules: never in the current folder, which may hold a stranger's files.

`python -m` puts the current folder first, and so does a PYTHONPATH with an empty part, as in ":/lib". A file json.py
that came with somebody's pictures would then be run in place of Python's own. This module imports nothing that is not
loaded already, because it runs before the path is safe.
"""

from __future__ import annotations

import os
import sys


def safe_path() -> list[str]:
    """The folders of `sys.path`, absolute, without the current one.

    The current folder stays if PYTHONPATH names it by an absolute path: then somebody wants it.
    """
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:  # it was removed, so nothing is found there
        here = ""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    wanted = any(os.path.isabs(part) and os.path.realpath(part) == here for part in given)
    found = [part for part in sys.path if isinstance(part, str) and os.path.isabs(part)]
    return [part for part in found if wanted or os.path.realpath(part) != here]


def leave_current_folder() -> None:
    """Take the current folder out of `sys.path`, for this process."""
    sys.path[:] = safe_path()
