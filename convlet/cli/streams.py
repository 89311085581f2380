"""Where output goes: what becomes of the work if nobody can read it any more.

A closed output is no output. A reader that has gone (`| head -1`) or a full disk ends a command that only shows
something; one that writes files as well says `go_on`, does its work to the end, and then fails with exit code 1. What
the encoding of the output does not have is written out, as in \\u2588.
"""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

NAMES = {"stdout": "the output", "stderr": "the error output"}


class Guarded(io.RawIOBase):
    """The raw end of an output, which fails at most once.

    Parameters
    ----------
    raw : where the bytes go
    name : what an error calls it
    quiet : whether it never fails, as that of errors: nobody could be told
    """

    def __init__(self, raw: Any, name: str, quiet: bool) -> None:
        self.raw, self.name, self.quiet = raw, name, quiet
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        """Write bytes; once that has failed they are dropped."""
        if self.error is not None:
            return len(data)
        try:
            while (written := self.raw.write(data)) is None:  # a terminal that another program made non-blocking
                select.select([], [self.raw], [])
            return int(written)
        except OSError as error:
            self.error = error
            if self.quiet:
                return len(data)
            raise type(error)(error.errno, error.strerror, self.name) from None

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return bool(self.raw.isatty())

    def fileno(self) -> int:
        return int(self.raw.fileno())


def go_on() -> None:
    """From now on this program does its work to the end, whatever becomes of its output."""
    end = _end(sys.stdout)
    if end is not None:
        end.quiet = True


@contextmanager
def leaving() -> Iterator[None]:
    """Guard the output and the error output of this program while the block runs; a caller's own stay as they are."""
    _fill()
    before = sys.stdout, sys.stderr
    for name in NAMES:
        stream = getattr(sys, name)
        if stream is None or stream is getattr(sys, f"__{name}__"):
            setattr(sys, name, _guard(stream, name))
    try:
        yield
    finally:
        for stream, old in zip((sys.stdout, sys.stderr), before, strict=True):
            if stream is not old:
                with suppress(OSError, ValueError):
                    stream.flush()
                _detach(stream)
        sys.stdout, sys.stderr = before


@contextmanager
def checked() -> Iterator[None]:
    """Write out what was shown in the block, and fail if that was not possible.

    Raises
    ------
    OSError : the output cannot be written
    BrokenPipeError : the same because its reader has gone
    """
    yield
    sys.stdout.flush()
    end = _end(sys.stdout)
    if end is not None and end.error is not None:
        raise type(end.error)(end.error.errno, end.error.strerror, end.name)


def _guard(stream: Any, name: str) -> io.TextIOWrapper:
    """A text stream over the guarded raw end of another one, or over nothing."""
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8", errors="backslashreplace")
    raw = getattr(stream.buffer, "raw", stream.buffer)
    end = Guarded(raw, NAMES[name], quiet=name == "stderr")
    lines = stream.line_buffering or name == "stderr"
    return io.TextIOWrapper(
        io.BufferedWriter(end),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=lines,
        write_through=stream.write_through,
    )


def _end(stream: Any) -> Guarded | None:
    end = getattr(getattr(stream, "buffer", None), "raw", None)
    return end if isinstance(end, Guarded) else None


def _detach(stream: Any) -> None:
    """Let go of a guarded stream; the one below it belongs to Python and stays open."""
    end = _end(stream)
    if end is None:
        stream.close()
    else:
        end.error = end.error or OSError()  # what is written from now on is dropped


def _fill() -> None:
    """Open nothing in the place of each closed standard stream, so that no file of ours gets its number."""
    if os.name != "posix":
        return
    with suppress(OSError):
        while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(handle, True)
        os.close(handle)
