"""Serve panels in a plain page, over a line to real scopes, for work on views; no JupyterLab.

``python tools/dev_server.py --port 8765`` serves the demo;  ``--index DIR`` an index,
``--model M --sae S --index DIR`` all three. The page is ``js/dev`` as ``npm run dev -w js`` (or ``node
dev/build.mjs OUT`` in ``js``, and here ``--site OUT``) left it:
``http://localhost:8765/?panel=neighbors&feature=3&dark&width=900``.
"""

import argparse
import asyncio
import json
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tornado.web
import tornado.websocket

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "python_pkg"))

import saescope  # noqa: E402
from saescope.rpc.connection import Connection  # noqa: E402

SCOPES: list[Any] = []


def packed(frame: dict[str, Any], buffers: Sequence[bytes]) -> bytes:
    """A frame with its buffers as one message: length of the head, head, buffers."""
    head = json.dumps({"frame": frame, "sizes": [len(b) for b in buffers]}).encode()
    return struct.pack("<I", len(head)) + head + b"".join(buffers)


class Line(tornado.websocket.WebSocketHandler):
    """One page's line."""

    def open(self, *_args: str, **_named: str) -> None:
        """Begin to serve."""
        loop = asyncio.get_running_loop()

        def send(frame: dict[str, Any], buffers: Sequence[bytes]) -> None:
            message = packed(frame, buffers)
            loop.call_soon_threadsafe(self._write, message)

        self.connection = Connection(send)

    def _write(self, message: bytes) -> None:
        if self.ws_connection is not None:
            _ = self.write_message(message, binary=True)

    def on_message(self, message: str | bytes) -> None:
        """Take a frame."""
        self.connection.receive(json.loads(message))

    def on_close(self) -> None:
        """End."""
        self.connection.close()


class Page(tornado.web.StaticFileHandler):
    """The page, never cached."""

    def set_extra_headers(self, path: str) -> None:  # noqa: ARG002
        """Say so."""
        self.set_header("Cache-Control", "no-store")


async def main() -> None:
    """Load and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--site", type=Path, default=ROOT / "js/dev/out")
    for name in ("index", "model", "sae"):
        parser.add_argument(f"--{name}")
    given = parser.parse_args()
    if given.model:
        SCOPES.append(saescope.load(given.model, sae=given.sae, index=given.index))
    else:
        SCOPES.append(saescope.open_index(given.index) if given.index else saescope.demo())
    page = {"path": str(given.site.resolve()), "default_filename": "index.html"}
    app = tornado.web.Application([(r"/line", Line), (r"/(.*)", Page, page)])
    app.listen(given.port, "127.0.0.1")
    sys.stderr.write(f"http://127.0.0.1:{given.port}/?panel=browser\n")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
