"""Whether SAE and model fit: measured once in the background, kept beside the index, told by every panel."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from saescope import live
from saescope.errors import CancelledError, InputError, SaescopeError
from saescope.index.pairing import PairingCheck, store, stored
from saescope.index.verdict import told, verdict
from saescope.scope.health import Checking

FEWEST, MOST = 64, 16_384
TOO_LARGE_ON_CPU = 2_000_000_000
SCHEMA = {
    "role": pl.String,
    "what": pl.String,
    "verdict": pl.String,
    "explained_variance": pl.Float64,
    "l0": pl.Float64,
    "recovered": pl.Float64,
    "recovered_zero": pl.Float64,
    "n": pl.UInt32,
    "gain": pl.Float64,
    "gain_error": pl.Float64,
    "is_better": pl.Boolean,
}
Check = Callable[[], None]
Tell = Callable[[int, int, str], None]


def _nothing(*_: Any) -> None:
    pass


class Running:
    """A check that runs in the background: ``done`` of ``total`` steps, and what it is at."""

    def __init__(self) -> None:
        self.done, self.total, self.step = 0, 1, "Waiting"
        self.stopped = threading.Event()

    def check(self) -> None:
        """Raise when it is to stop."""
        if self.stopped.is_set():
            raise CancelledError("stopped.")

    def tell(self, done: int, total: int, step: str) -> None:
        """How far it is; panels hear of it."""
        self.done, self.total, self.step = done, total, step
        live.changed()


class Pairing(Checking):
    """The pairing's own figures."""

    _pairing: PairingCheck | None = None
    _is_pairing_read = False
    running_check: Running | None = None
    is_check_stopped = False

    @property
    def pairing(self) -> PairingCheck | None:
        """What is known of the pairing: measured last, or kept beside the index; ``None`` before."""
        if self._pairing is None and not self._is_pairing_read and self._index is not None:
            self._is_pairing_read = True
            m = self._index.manifest
            if m.origin is None:
                keys = {"model": str(m.model.get("fingerprint")), "sae": str(m.sae.get("fingerprint"))}
                self._pairing = stored(self._index.path, keys)
        return self._pairing

    def check(
        self,
        text: str | Sequence[str] | None = None,
        n_tokens: int = 256,
        *,
        check: Check = _nothing,
        on_step: Tell = _nothing,
    ) -> pl.DataFrame:
        """Measure whether SAE and model fit, and try what else the SAE may have been meant for.

        On a short text: explained variance, L0 and loss recovered, beside what was published, and the same SAE on the
        site's activations shuffled. Then other sites, BOS, normalisations, scales, biases and weights are tried. On
        the bundled text the result is kept beside the index, and measured once.

        Parameters
        ----------
        text
            Text to measure on, or several; by default a bundled one.
        n_tokens
            About how many of its tokens, 64 to 16,384.
        check
            Called between layers and trials; what it raises stops the check.
        on_step
            Told how far it is.

        Returns
        -------
        polars.DataFrame
            ``role`` (``"as loaded"``, ``"control"``, ``"published"``, ``"tried"``)``, what, verdict`` (of the first
            row: ``"fits"``, ``"unconfirmed"``, ``"doubtful"``, ``"wrong"``, ``"unknown"``)``, explained_variance, l0,
            recovered`` (of the loss, against the site at its mean)``, recovered_zero, n`` (tokens)``, gain``
            (explained variance more than as loaded on the same tokens)``, gain_error`` (its standard error)``,
            is_better``. ``scope.pairing`` has it all; what follows in words is the first row's ``what``.
            ``"unconfirmed"``: it fits as measured, and nothing tells whether the model is the one that the SAE was
            trained on.

        Raises
        ------
        NeedsModelError
            Only an index is open, and no check is kept beside it.
        InputError
            ``n_tokens`` is out of range, or ``text`` is no text.
        """
        if isinstance(n_tokens, bool) or not isinstance(n_tokens, int) or not FEWEST <= n_tokens <= MOST:
            raise InputError(f"n_tokens is a number of tokens from {FEWEST} to {MOST:,}, and {n_tokens!r} came.")
        texts = [text] if isinstance(text, str) else None if text is None else list(text)
        if texts is not None and not all(isinstance(t, str) for t in texts):
            raise InputError("text is a string or several, and something else came.")
        is_usual = texts is None and n_tokens == 256
        found = self.pairing if is_usual else None
        if found is None or not found.is_bundled:
            found = self._measured_pairing(texts, n_tokens, check, on_step)
        return pairing_frame(found)

    def _measured_pairing(self, texts: list[str] | None, n_tokens: int, check: Check, tell: Tell) -> PairingCheck:
        from saescope.indexing.checking import Checker, text_hash
        from saescope.sources.fingerprint import fingerprint

        model, sae, site = self._need_model("checking the pairing")
        checker = Checker(
            model, sae, site, texts, n_tokens=n_tokens, turn=lambda: self._lot(check), check=check, tell=tell
        )
        keys = {"model": fingerprint(model.model, type(model.model).__name__), "sae": sae.fingerprint()}
        found = checker.run(keys | {"text": text_hash(checker.texts)})
        self._pairing, self._is_pairing_read = found, True
        if texts is None and n_tokens == 256 and self._index is not None:
            store(self._index.path, found)
        live.changed()
        return found

    @property
    def is_check_cheap(self) -> bool:
        """Whether a check takes seconds, so that it may run unasked."""
        if self._model is None:
            return False
        is_on_cpu = self._model.device.type == "cpu"
        return not is_on_cpu or sum(p.numel() for p in self._model.model.parameters()) < TOO_LARGE_ON_CPU

    def start_check(self, *, is_asked: bool = False) -> bool:
        """Check in the background, unless it was done, is under way, or would take long and nobody asked.

        Returns whether it was started.
        """
        with self._starting:
            if self._model is None or self.running_check is not None:
                return False
            if not is_asked and (self.pairing is not None or self.is_check_stopped or not self.is_check_cheap):
                return False
            running = self.running_check = Running()
        self.is_check_stopped = False
        threading.Thread(target=self._check_aside, args=(running,), name="saescope-check", daemon=True).start()
        return True

    def stop_check(self) -> None:
        """Stop a check that runs in the background."""
        running = self.running_check
        if running is not None:
            running.stopped.set()

    def _check_aside(self, running: Running) -> None:
        try:
            self._measured_pairing(None, 256, running.check, running.tell)
        except CancelledError:
            self.is_check_stopped = True
        except SaescopeError as err:
            self._pairing = PairingCheck(failure=err.message, n_features=self.n_features)
        finally:
            self.running_check = None
            live.changed()


def pairing_frame(check: PairingCheck) -> pl.DataFrame:
    """A check as a table."""
    rows: list[dict[str, Any]] = []
    losses = check.losses
    first: dict[str, Any] = {"role": "as loaded", "what": check.failure or told(check), "verdict": verdict(check)}
    if check.score is not None:
        first |= _scored(check.score)
    if losses is not None:
        first |= {"recovered": losses.recovered(), "recovered_zero": losses.recovered("zero")}
    rows.append(first)
    if check.control is not None:
        kept = losses.control_recovered if losses is not None else None
        what = "the site's activations, each dimension shuffled over the tokens"
        rows.append({"role": "control", "what": what, "recovered": kept, **_scored(check.control)})
    if check.published:
        source = str(check.published.get("source", ""))
        figures = {name: check.published.get(name) for name in ("explained_variance", "l0")}
        rows.append({"role": "published", "what": source, **figures})
    rows += [
        {
            "role": "tried",
            "what": t.what,
            **_scored(t.score),
            "gain": t.gain,
            "gain_error": t.error,
            "is_better": t.is_better,
        }
        for t in check.trials
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def _scored(score: Any) -> dict[str, Any]:
    return {"explained_variance": score.explained_variance, "l0": score.l0, "n": score.n}
