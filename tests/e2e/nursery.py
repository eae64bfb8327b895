"""Kernels that start at once: copies of a process that has imported what a kernel of saescope imports.

Nearly all of the time until ``saescope.demo()`` is there is spent on importing torch, transformers and SAELens. This
process imports them once and forks itself for each kernel; saescope itself each kernel imports for itself. Linux only.
"""

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys

MODULES = (
    "torch",
    "transformers.modeling_utils",
    "transformers.models.auto.modeling_auto",
    "transformers.generation",
    "sae_lens",
    "polars",
    "pyarrow",
    "ipywidgets",
    "anywidget",
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "matplotlib_inline.backend_inline",
)
N_FDS = 2


def serve(listener):
    """Fork a kernel for each that asks, until this process is ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    for name in MODULES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    selector, children = selectors.DefaultSelector(), {}
    selector.register(listener, selectors.EVENT_READ)
    try:
        while True:
            for key, _ in selector.select(timeout=0.1):
                if key.fileobj is listener:
                    wire, _ = listener.accept()
                    children[wire] = _begin(wire, [listener, *children])
                    selector.register(wire, selectors.EVENT_READ)
                else:
                    _kill(children[key.fileobj])
                    selector.unregister(key.fileobj)
            _reap(children, selector)
    finally:
        for pid in children.values():
            _kill(pid)


def _begin(wire, others):
    message, fds, _, _ = socket.recv_fds(wire, 1 << 20, N_FDS)
    while not message.endswith(b"\n"):
        message += wire.recv(1 << 20)
    asked = json.loads(message)
    pid = os.fork()
    if pid == 0:
        for other in (wire, *others):
            other.close()
        _become_kernel(asked, fds)
    for fd in fds:
        os.close(fd)
    wire.sendall(pid.to_bytes(4, "big"))
    return pid


def _become_kernel(asked, fds):
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for fd, standard in zip(fds, (1, 2), strict=True):
        os.dup2(fd, standard)
        os.close(fd)
    os.environ.clear()
    os.environ.update({k: v for k, v in asked["env"].items() if k != "JPY_PARENT_PID"})
    os.chdir(asked["cwd"])
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = ["ipykernel_launcher.py", *asked["argv"]]
    try:
        IPKernelApp.launch_instance(asked["argv"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _reap(children, selector):
    for wire, pid in list(children.items()):
        with contextlib.suppress(ChildProcessError):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended == 0:
                continue
            with contextlib.suppress(OSError):
                wire.sendall(status.to_bytes(4, "big"))
        with contextlib.suppress(KeyError):
            selector.unregister(wire)
        wire.close()
        del children[wire]


def _kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.path.pop(0)
    serve(socket.socket(fileno=int(sys.argv[1])))
