"""A server on this machine that delivers a data set, well or badly, as the first part of the address says."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

from convlet.data import named

WAYS = ("broken", "html", "wrong", "short", "stalls", "drips", "endless", "empty", "long", "redirects", "hangs up")


class Handler(http.server.BaseHTTPRequestHandler):
    """`/WAY/FILE`: FILE, delivered in that way."""

    def do_GET(self):
        way, _, name = self.path.strip("/").replace("%20", " ").partition("/")
        body = (self.server.folder / name).read_bytes()
        self.server.asked.append((way, name))
        if way == "broken":
            self.send_error(500)
        elif way == "stalls":
            self.server.stall.wait(5)
        elif way == "hangs up":
            self.connection.close()
        elif way == "redirects":
            self.send_response(302)
            self.send_header("Location", self.path)
            self.end_headers()
        elif way in ("drips", "endless"):
            self.send_response(200)
            self.end_headers()
            self.trickle(b"?" if way == "drips" else b"?" * 2**16, 0.05 if way == "drips" else 0)
        else:
            changed = {"html": b"<html>sign in</html>", "wrong": body[:-1] + b"?", "empty": b"", "long": body + b"?"}
            body = changed.get(way, body)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if way == "short" else body)

    def trickle(self, piece, seconds):
        with contextlib.suppress(OSError):  # the other side goes away
            while not self.server.stall.wait(seconds):
                self.wfile.write(piece)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Delivers the files of `folder`; `asked` is what it was asked for."""

    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # the other side has gone, or the handler closed its own connection


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server of the files in a folder."""
    made = Server(("127.0.0.1", 0), Handler)
    made.folder, made.asked, made.stall = folder, [], threading.Event()
    thread = threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.stall.set()
        made.shutdown()
        made.server_close()
        thread.join()


def named_set(server: Server, *ways: str) -> named.Named:
    """A named set `tiny`, to be had from the server in these ways."""
    folder = server.folder
    files = tuple((path.name, hashlib.md5(path.read_bytes()).hexdigest()) for path in sorted(folder.iterdir()))
    mirrors = tuple(f"http://127.0.0.1:{server.server_port}/{way}/" for way in ways)
    return named.Named("tiny", "for tests", "none", ("a", "b", "c"), files, mirrors)
