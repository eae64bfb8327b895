"""What the server starts and watches as a kernel: it asks the nursery for one, and stands for it.

Signals go on to the kernel; it ends as the kernel ends; and the kernel ends when it is killed.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path


def main():
    wire = socket.socket(socket.AF_UNIX)
    wire.connect(sys.argv[1])
    asked = {"argv": sys.argv[2:], "env": dict(os.environ), "cwd": str(Path.cwd())}
    socket.send_fds(wire, [json.dumps(asked).encode() + b"\n"], [1, 2])
    pid = int.from_bytes(wire.recv(4, socket.MSG_WAITALL), "big")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os.kill(pid, number))
    status = int.from_bytes(wire.recv(4, socket.MSG_WAITALL), "big")
    if os.WIFSIGNALED(status):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
