"""A wire between a browser and a server that can be cut and mended."""

import contextlib
import socket
import threading


class Wire:
    """Forwards what comes to a port of its own; while it is cut, connections end and none is taken.

    Parameters
    ----------
    port
        Of the server, on this machine.
    """

    def __init__(self, port):
        self._target = port
        self._live = set()
        self._lock = threading.Lock()
        self._is_cut = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._take, daemon=True).start()

    def cut(self):
        """End every connection, and refuse new ones."""
        with self._lock:
            self._is_cut = True
            live, self._live = self._live, set()
        for end in live:
            _end(end)

    def mend(self):
        """Take connections again."""
        with self._lock:
            self._is_cut = False

    def close(self):
        """End it for good."""
        self.cut()
        self._listener.close()

    def _take(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                is_cut = self._is_cut
            if is_cut:
                _end(near)
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            with self._lock:
                self._live |= {near, far}
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self._forward, args=ends, daemon=True).start()

    def _forward(self, source, target):
        with contextlib.suppress(OSError):
            while part := source.recv(65536):
                target.sendall(part)
        with self._lock:
            self._live -= {source, target}
        _end(source)
        _end(target)


def _end(end):
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
