"""Two cures for comms on kernel subshells, which every comm of ours gets.

ipykernel 7.4 sends the page's next message to the shell that last sent, so that after a
send from a cell the panel waits for the end of the cell. And handling a comm message fires
the cell hooks, on which matplotlib drops the figure that a running cell is drawing
(ipykernel 1564, jupyterlab 19719).
"""

import weakref
from typing import Any


def harden(comm: Any) -> None:
    """Keep a comm on the shell the page chose, and away from the hooks of cells."""
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _data, default: default
    if hasattr(comm, "_msg_callback"):
        held = weakref.ref(comm)

        def handle(msg: Any) -> None:
            alive = held()
            if alive is not None and alive._msg_callback:
                alive._msg_callback(msg)

        comm.handle_msg = handle
