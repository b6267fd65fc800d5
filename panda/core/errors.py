"""The one exception a user can cause, and the hint that many of its messages end with."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PandaError(Exception):
    """One clear line: what is wrong, where, and what to do. Shown without a traceback by the command line."""

    exit_code = 1


class Paused(PandaError):
    """Work that stopped on purpose with its state saved; running the same command again goes on from there.

    The command line exits with 75 (EX_TEMPFAIL of sysexits.h), which the cluster profile's retries pick up.
    """

    exit_code = 75


def did_you_mean(word: object, known: Iterable[str], otherwise: str = "") -> str:
    """`; did you mean 'laptop'?`, of what is known and like `word`; `otherwise` where nothing is."""
    close = difflib.get_close_matches(str(word), sorted(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else otherwise
