"""Where output goes: what becomes of the work if nobody can read it any more.

A closed output is no output. A reader that has gone (`| head -1`) or a full disk ends a command that only shows
something; one that writes files as well says `go_on`, does its work to the end, and then fails with exit code 1. What
the encoding of the output does not have is written out, as in \\u2588.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

NAMES = {"stdout": "the output", "stderr": "the error output"}


class Guarded(io.TextIOWrapper):
    """A text stream over the bytes of another one, which fails at most once; what is written afterwards is lost.

    The buffer below is Python's own: an interruption between two lines of ours must not make it write twice.

    Parameters
    ----------
    stream : the stream whose bytes are used; it stays usable
    name : what an error calls it
    quiet : whether it never fails, as that of errors: nobody could be told
    """

    def __init__(self, stream: Any, name: str, quiet: bool) -> None:
        super().__init__(
            stream.buffer,
            encoding=stream.encoding,
            errors="backslashreplace",
            line_buffering=stream.line_buffering or quiet,
            write_through=stream.write_through,
        )
        self.title, self.quiet = name, quiet
        self.error: OSError | None = None

    def write(self, text: str) -> int:
        """Write text; see the class."""
        try:
            return super().write(text)
        except OSError as error:
            self._fail(error)
        return len(text)

    def flush(self) -> None:
        """Write what is left in the buffer; see the class."""
        try:
            super().flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        """Lead what is still in the buffer, and what follows, to nothing; raise the first error unless quiet."""
        first = self.error is None
        self.error = self.error or error
        with suppress(OSError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self.fileno())
            os.close(nothing)
        if first and not self.quiet:
            raise self.named() from None

    def named(self) -> OSError:
        """The error, with the name of the stream."""
        assert self.error is not None
        return type(self.error)(self.error.errno, self.error.strerror, self.title)


def go_on() -> None:
    """From now on this program does its work to the end, whatever becomes of its output."""
    if isinstance(sys.stdout, Guarded):
        sys.stdout.quiet = True


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
            if isinstance(stream, Guarded):
                stream.quiet = True
                stream.flush()
                stream.detach()
            elif stream is not old:
                stream.close()
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
    if isinstance(sys.stdout, Guarded) and sys.stdout.error is not None:
        raise sys.stdout.named()


def _guard(stream: Any, name: str) -> io.TextIOWrapper:
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")
    return Guarded(stream, NAMES[name], quiet=name == "stderr")


def _fill() -> None:
    """Open nothing in the place of each closed standard stream, so that no file of ours gets its number."""
    if os.name != "posix":
        return
    with suppress(OSError):
        while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(handle, True)
        os.close(handle)
