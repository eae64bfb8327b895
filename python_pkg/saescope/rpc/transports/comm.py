"""The kernel comm: how the side bar talks to scopes, with no widget between.

The page opens a comm to the target ``saescope``. When the package is imported in a kernel
it opens and closes a comm to the page's target ``saescope-announce``, so that the page
need not ask.
"""

import sys
from typing import Any

from saescope import live
from saescope.rpc.transports.harden import harden

TARGET, ANNOUNCE = "saescope", "saescope-announce"

_variables: dict[str, str] = {}


def in_jupyter() -> bool:
    """Whether this process is a kernel of Jupyter."""
    return getattr(_shell(), "kernel", None) is not None


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def announce() -> None:
    """Register the target in the running kernel and tell the page; does nothing elsewhere."""
    if not in_jupyter():
        return
    import comm

    comm.get_comm_manager().register_target(TARGET, _opened)
    comm.create_comm(target_name=ANNOUNCE, data={"target": TARGET}).close()
    _shell().events.register("post_run_cell", _tell_variables)


def _tell_variables(_result: Any = None) -> None:
    """Tell the pages when a cell has given scopes other names."""
    named = {scope.id: live.variable(scope) for scope in live.scopes()}
    if named != _variables:
        _variables.clear()
        _variables.update(named)
        live.changed()


def _opened(comm: Any, _message: Any) -> None:
    harden(comm)
    from saescope.rpc.connection import Connection

    connection = Connection(lambda frame, buffers: comm.send(data=frame, buffers=list(buffers)))
    comm.on_msg(lambda msg: connection.receive(msg["content"]["data"], msg.get("buffers", ())))
    comm.on_close(lambda _msg: connection.close())
