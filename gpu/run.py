"""One call: trajectories, trainings in their shares of the minutes, scores, and the state in pieces."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpu import summary
from gpu.jobs import Clock
from gpu.pieces import MANIFEST, MIB, pack, unpack
from gpu.rounded import rounded
from gpu.stages import Study
from panda.core.errors import PandaError


@dataclass(frozen=True)
class Plan:
    """How much a call may take, and what it leaves where.

    Attributes:
        minutes: of the whole call.
        reserve: of these, minutes kept for scores and packing.
        out: folder for the summary and the pieces.
        resume: packed folder of an earlier call, or None.
        packed: `state`, all that the next call needs; `weights`, the models rounded to bfloat16; or `nothing`.
        piece_mib: most MiB of a piece.
    """

    minutes: float
    reserve: float
    out: Path
    resume: Path | None
    packed: str
    piece_mib: int


def run(study: Study, plan: Plan) -> dict[str, Any]:
    """Do what there is time for; the summary, which is also written to `plan.out`.

    Raises:
        PandaError: the state to go on from is damaged or of another study, or a command failed.
    """
    clock, minutes = Clock(plan.minutes, reserve=plan.reserve), dict[str, float]()
    study.check()
    if plan.resume is not None:
        _take_up(study, plan.resume)
    with _Timed(minutes, "trajectories"):
        _say(f"trajectories of {study.config.integrate.catalogue}")
        left = study.integrate(clock)
    if left:
        raise PandaError(
            f"time is over with {left} of {study.config.integrate.n_shards} shards to integrate; "
            "run the same command again to go on"
        )
    with _Timed(minutes, "training"):
        _train_all(study, clock)
        # Before the scores: whatever happens to them, the state is safe.
        _save(study, plan)
    with _Timed(minutes, "scores"):
        found = {name: study.shown(name) for name in study.config.train.models}
        weights = {name: path for name, path in found.items() if path is not None}
        _say(f"scores of {', '.join(weights) or 'no model'} on {study.dataset}")
        scores = study.score(weights)
    if plan.packed == "weights":
        pack(Path(), rounded(study.run / "rounded", weights), plan.out, piece_bytes=plan.piece_mib * MIB)
    minutes["all"] = clock.spent_s / 60
    result = summary.summarise(study, weights, scores, minutes)
    summary.write(result, plan.out)
    return result


def _take_up(study: Study, folder: Path) -> None:
    """Unpack the state of an earlier call, unless this machine has as much."""
    models = study.config.train.models
    if any(study.steps_done(name) for name in models):
        _say(f"goes on from the states below {study.run}; {folder} is left alone")
        return
    unpack(folder, Path())
    if not any(study.steps_done(name) for name in models):
        raise PandaError(
            f"{folder}: the state in it is of another configuration, catalogue or code; use those it was made with, "
            "or start anew without --resume"
        )


def _train_all(study: Study, clock: Clock) -> None:
    """Every model that is not finished, for its share of the minutes that are left."""
    waiting = [name for name in study.order() if not study.is_finished(name)]
    while waiting and clock.left_s > 0:
        shares = {name: study.seconds_left(name) for name in waiting}
        name = waiting.pop(0)
        limit_s = clock.left_s * shares[name] / sum(shares.values())
        _say(
            f"{name}: goes on at step {study.steps_done(name)} of {study.n_steps(name)}, for {limit_s / 60:.1f} min"
        )
        ended = study.train(name, limit_s)
        _say(f"{name}: {'finished' if ended else f'paused at step {study.steps_done(name)}'}")
        if not ended:
            # Should the others leave some of their time.
            waiting.append(name)


def _save(study: Study, plan: Plan) -> None:
    if plan.packed == "state":
        pieces = pack(Path(), study.files(), plan.out, piece_bytes=plan.piece_mib * MIB)
        _say(f"state: {len(pieces)} pieces and {MANIFEST} in {plan.out}")


class _Timed:
    """Notes the minutes of a stage."""

    def __init__(self, minutes: dict[str, float], name: str) -> None:
        self._minutes, self._name = minutes, name

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._minutes[self._name] = (time.monotonic() - self._began) / 60


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)
