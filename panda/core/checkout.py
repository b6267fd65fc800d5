"""Whether the code is run from a checkout of the project, or from an installed package, which has no workflow."""

from __future__ import annotations

from pathlib import Path

# The folder that holds the packages `panda` and `baselines`.
SOURCE = Path(__file__).resolve().parents[2]


def in_checkout() -> bool:
    """Whether the workflow stands beside the packages."""
    return (SOURCE / "workflow" / "Snakefile").is_file()


def advice_without_configuration() -> str:
    """What to do where no configuration is found: the end of a message."""
    if in_checkout():
        return "correct the path, or change to the project's folder"
    return (
        "this command is a step of the workflow, and the installed package holds none: run it in the folder of a "
        "clone of the project (panda forecast and panda.load need none)"
    )
