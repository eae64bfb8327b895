"""Attribution: what estimates cost against a forward pass, and how near they come to exact ablation.

``python -m benchmarks.attribution --model M --sae S --text CORPUS`` prints a table. CPU time of one thread,
the two things of a ratio taking turns. Exact effects are of all pairs of the last token, the forty that the
gradient ranks first, and 48 drawn at random (seed 0), for each prompt.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.subject import Row, Subject, given_subject
from saescope.effects.attribution.question import Question, Units
from saescope.effects.clean import CleanRun
from saescope.effects.prompt import run_prompt
from saescope.scope.attributing import best_first, figures_of

N_TOKENS = 128
SHORT, LONG = 32, 64
N_FIRST, N_RANDOM, N_TOP, N_WITHIN = 40, 48, 10, 30
FORWARD = "a plain forward pass of the same tokens"


@dataclass(frozen=True)
class Near:
    """How near the gradient comes to the exact effects of one prompt's pairs."""

    within: int
    both: int
    spearman: float
    n: int


def rows(subject: Subject, repeats: int, n_prompts: int, n_integrated: int) -> list[Row]:
    """The lines of the table."""
    return [*speed(subject, repeats), *nearness(subject, n_prompts), *integration(subject, n_integrated)]


def question_of(subject: Subject, tokens: NDArray[np.int64]) -> Question:
    """All pairs that fire on tokens but the first, for the token that follows."""
    model, sae, site = subject.scope.parts
    run, nonzeros, ablator = run_prompt(model.model, sae.sae, site, tokens[:-1])
    meant = np.ones(run.n_tokens, dtype=bool)
    meant[0] = False
    return Question(ablator, Units.of(nonzeros, meant, "pair"), int(tokens[-1]))


def speed(subject: Subject, repeats: int) -> list[Row]:
    """The gradient's ranking of all pairs, and the first rows after a clean run."""
    model = subject.scope.parts[0].model
    tokens = subject.tokens[: N_TOKENS + 1]
    question = question_of(subject, tokens)
    ids = torch.from_numpy(tokens[:-1])[None]

    def plain() -> None:
        with torch.no_grad():
            model(ids, use_cache=False)

    times: dict[str, list[float]] = {"forward": [], "gradient": [], "clean": [], "first": []}
    site = subject.scope.parts[2]
    for _ in range(repeats):
        times["forward"].append(_cpu(plain))
        times["gradient"].append(_cpu(lambda: figures_of(question, "gradient")))
        times["clean"].append(_cpu(lambda: CleanRun(model, site, ids[0])))
        question.ablator._clean = None  # noqa: SLF001 - so that the output is had anew
        times["first"].append(_cpu(lambda: _first_rows(question)))
    forward, gradient, clean, first = (float(np.median(found)) for found in times.values())
    name = f"gradient, all {question.units.n:,} pairs of {N_TOKENS} tokens"
    return [
        Row(name, f"{gradient / forward:.2f} forwards", FORWARD),
        Row(f"clean run of {N_TOKENS} tokens", f"{clean / forward:.2f} forwards", FORWARD),
        Row("first rows after it: activation, direct", f"{1e3 * first:.0f} ms", "CPU time, one thread"),
    ]


def _first_rows(question: Question) -> None:
    figures_of(question, "direct")
    best_first(figures_of(question, "activation"))
    question.metric(question.ablator.output(question.ablator.run.n_tokens - 1).logits[-1:])


def nearness(subject: Subject, n_prompts: int) -> list[Row]:
    """The exact top ten in the gradient's top thirty, and rank correlation."""
    found = []
    for n, tokens in enumerate(prompts(subject, n_prompts)):
        found.append(near(question_of(subject, tokens), n))
        sys.stderr.write(f"{n + 1} of {n_prompts}: {found[-1]}\n")
    n_pairs = int(np.median([one.n for one in found]))
    against = f"exact ablation of about {n_pairs} pairs, {n_prompts} prompts"
    return [
        Row(f"exact top {N_TOP} in the gradient's top {N_WITHIN}", _spread([f.within for f in found]), against),
        Row(f"exact top {N_TOP} in the gradient's top {N_TOP}", _spread([f.both for f in found]), against),
        Row("Spearman, gradient with exact", _spread([f.spearman for f in found]), against),
    ]


def near(question: Question, seed: int) -> Near:
    """Compare the gradient with exact effects on one prompt."""
    gradient = figures_of(question, "gradient")
    last = np.flatnonzero(question.units.pos == question.ablator.run.n_tokens - 1)
    order = best_first(gradient)
    drawn = np.random.default_rng(seed).choice(question.units.n, min(N_RANDOM, question.units.n), replace=False)
    taken = np.unique(np.concatenate([last, order[:N_FIRST], drawn]))
    exact = figures_of(question.only(taken), "exact")
    top = set(taken[best_first(exact[taken])[:N_TOP]].tolist())
    within, both = (len(top & set(order[:n].tolist())) for n in (N_WITHIN, N_TOP))
    return Near(within, both, _spearman(gradient[taken], exact[taken]), len(taken))


def integration(subject: Subject, n_prompts: int) -> list[Row]:
    """How integrated gradients add up, and in how many runs."""
    from saescope.effects.attribution.integrated import integrated

    errors, runs = [], []
    for tokens in prompts(subject, n_prompts):
        facts: dict[str, float] = {}
        for part in integrated(question_of(subject, tokens)):
            facts |= part.facts
        errors.append(100 * abs(facts["error"]) / max(abs(facts["effect"]), 1e-9))
        runs.append(facts["n_steps"])
        sys.stderr.write(f"integrated: {facts}\n")
    against = f"the effect of turning all off, {n_prompts} prompts"
    return [
        Row("integrated gradients: completeness error, %", _spread(errors), against),
        Row("integrated gradients: runs forth and back", _spread(runs), "-"),
    ]


def prompts(subject: Subject, n: int) -> list[NDArray[np.int64]]:
    """Beginnings of contexts, 32 to 64 tokens and the one that follows."""
    found = []
    size = subject.context
    for number in range(n):
        length = SHORT + (LONG - SHORT) * number // max(n - 1, 1)
        start = number * size % max(len(subject.tokens) - size, 1)
        found.append(subject.tokens[start : start + length + 1])
    return found


def _spearman(a: NDArray[Any], b: NDArray[Any]) -> float:
    ranks = [np.argsort(np.argsort(x)).astype(float) for x in (a, b)]
    return float(np.corrcoef(ranks)[0, 1])


def _spread(values: list[Any]) -> str:
    return f"{np.median(values):.3g} [{min(values):.3g}, {max(values):.3g}]"


def _cpu(work: Any) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "sae", "text"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--prompts", type=int, default=20)
    parser.add_argument("--integrated", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    subject = given_subject(given.model, given.sae, given.text, max(given.prompts + 2, 10) * N_TOKENS)
    found = rows(subject, given.repeats, given.prompts, given.integrated)
    widths = [max(len(getattr(row, name)) for row in found) for name in ("what", "figure")]
    for row in found:
        sys.stdout.write(f"{row.what:<{widths[0]}}  {row.figure:<{widths[1]}}  {row.against}\n")


if __name__ == "__main__":
    main()
