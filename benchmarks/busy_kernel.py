"""How a kernel answers a panel while a cell runs, with no browser, and what that costs the cell.

``python -m benchmarks.busy_kernel [--index PATH] [--clicks 40] [--interval-ms 5]`` starts a kernel, talks to it as
a panel does (frames over a comm, on a subshell), and prints by kind of work:

1. milliseconds from a click's batch (a feature's page and examples) to its last answer, median and 95th percentile,
2. for the loop in plain Python, how much slower it runs while PER_S clicks a second are answered.

``--interval-ms`` holds the interpreter's switch interval where it is told: `saescope.rpc.switching` is judged by it.
"""

import argparse
import queue
import statistics
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from jupyter_client.manager import start_new_kernel

WORK = {
    "the kernel idle": "",
    "time.sleep": "import time\nwhile True: time.sleep(1)",
    "torch multiplies matrices": "import torch\na = torch.rand(1500, 1500)\nwhile True: a @ a",
    "plain Python counts": "n = 0\nwhile True: n += 1",
    "plain Python sorts with a key": "while True: sorted(range(200_000), key=lambda x: -x)",
}
LOOP = """
import time
n, begun = 0, time.perf_counter()
while time.perf_counter() - begun < {seconds}:
    for _ in range(10_000): n += 1
print(n)
"""
LOOP_S = 5.0
N_LOOPS = 5
PER_S = 3
LIMIT_S = 10.0


class Panel:
    """A page's line to a kernel, on a subshell."""

    def __init__(self, opened: str, interval_ms: float | None) -> None:
        self.manager, self.client = start_new_kernel(kernel_name="python3")
        code = f"import saescope, sys\nscope = {opened}\n"
        if interval_ms is not None:
            code += (
                f"saescope.rpc.connection._SWITCHING.hear = lambda: None\nsys.setswitchinterval({interval_ms / 1000})\n"
            )
            code = "import saescope.rpc.connection\n" + code
        self.scope = self.said(code + "print(scope.id)")
        self.n_features = int(self.said("print(scope.n_features)"))
        control = self.client.control_channel
        control.send(self.client.session.msg("create_subshell_request", {}))
        self.subshell = self.client.get_control_msg(timeout=30)["content"]["subshell_id"]
        self.comm = uuid.uuid4().hex
        self.send("comm_open", comm_id=self.comm, target_name="saescope", data={})

    def said(self, code: str) -> str:
        """What a cell prints."""
        lines: list[str] = []

        def hear(message: Any) -> None:
            if message["msg_type"] == "error":
                raise RuntimeError(message["content"]["evalue"])
            if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
                lines.append(message["content"]["text"])

        self.client.execute_interactive(code, timeout=600, output_hook=hear, store_history=False)
        return "".join(lines).strip()

    def send(self, kind: str, **content: Any) -> None:
        """Send a message to the subshell."""
        message = self.client.session.msg(kind, content)
        message["header"]["subshell_id"] = self.subshell
        self.client.shell_channel.send(message)

    def click(self, feature: int) -> float:
        """Ask for a feature's page and examples; milliseconds until both are here, infinite after LIMIT_S."""
        wanted = {
            "feature.get": {"scope": self.scope, "feature": feature},
            "examples.list": {"scope": self.scope, "feature": feature, "k": 20},
        }
        frames = [{"t": "request", "rid": uuid.uuid4().hex, "method": m, "params": p} for m, p in wanted.items()]
        left = {frame["rid"] for frame in frames}
        begun = time.perf_counter()
        self.send("comm_msg", comm_id=self.comm, data={"t": "batch", "frames": frames})
        while left:
            try:
                message = self.client.get_iopub_msg(timeout=max(0, begun + LIMIT_S - time.perf_counter()))
            except queue.Empty:
                return float("inf")
            if message["msg_type"] == "comm_msg" and message["content"]["comm_id"] == self.comm:
                left -= {f["rid"] for f in flat(message["content"]["data"]) if f["t"] in ("result", "error")}
        return 1000 * (time.perf_counter() - begun)

    def clicks(self, n: int) -> list[float]:
        """Times of clicks over the whole table."""
        times = []
        for i in range(n):
            times.append(self.click(i * 1597 % self.n_features))
            time.sleep(0.03)
        return times

    def loop(self, is_clicking: bool) -> int:
        """How far a loop counts in LOOP_S."""
        self.client.execute(LOOP.format(seconds=LOOP_S))
        begun, i, counted = time.perf_counter(), 0, None
        while counted is None:
            if is_clicking:
                self.click((i := i + 1) * 1597 % self.n_features)
                time.sleep(max(0.0, begun + i / PER_S - time.perf_counter()))
            if time.perf_counter() - begun < LOOP_S + 1:
                time.sleep(0.0 if is_clicking else 0.5)
                continue
            counted = int(self.said("print(n)"))
        return counted

    def interrupt(self) -> None:
        """End the cell."""
        self.manager.interrupt_kernel()
        while self.said("print('free')") != "free":
            time.sleep(0.2)

    def close(self) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def flat(frame: dict[str, Any]) -> list[dict[str, Any]]:
    """The frames in a frame."""
    return [inner for f in frame["frames"] for inner in flat(f)] if frame["t"] == "batch" else [frame]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=Path)
    parser.add_argument("--clicks", type=int, default=40)
    parser.add_argument("--interval-ms", type=float)
    given = parser.parse_args()
    opened = f"saescope.open_index({str(given.index.resolve())!r})" if given.index else "saescope.demo()"
    panel = Panel(opened, given.interval_ms)
    try:
        panel.clicks(10)
        for what, code in WORK.items():
            if code:
                panel.client.execute(code)
                time.sleep(1)
            ordered = sorted(panel.clicks(given.clicks))
            p95 = ordered[int(0.95 * (len(ordered) - 1))]
            sys.stdout.write(f"{what:<40}{statistics.median(ordered):8.0f} / {p95:.0f} ms\n")
            sys.stdout.flush()
            if code:
                panel.interrupt()
        alone, beside = [], []
        for _ in range(N_LOOPS):
            alone.append(panel.loop(is_clicking=False))
            beside.append(panel.loop(is_clicking=True))
        share = 100 * (1 - statistics.median(beside) / statistics.median(alone))
        sys.stdout.write(f"a loop beside {PER_S} clicks a second counts {share:.1f} % less far than alone\n")
    finally:
        panel.close()


if __name__ == "__main__":
    main()
