"""The one exception a user can cause."""

from __future__ import annotations


class PandaError(Exception):
    """One clear line: what is wrong, where, and what to do. Shown without a traceback by the command line."""

    exit_code = 1


class Paused(PandaError):
    """Work that stopped on purpose with its state saved; running the same command again goes on from there.

    The command line exits with 75 (EX_TEMPFAIL of sysexits.h), which the cluster profile's retries pick up.
    """

    exit_code = 75
