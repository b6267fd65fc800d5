"""The models that come with the package: folders below panda/shipped, found by name."""

from __future__ import annotations

from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[1] / "shipped"
CONFIG = "config.json"


def shipped_models() -> dict[str, Path]:
    """The folder of every shipped model, by its name, sorted."""
    return {config.parent.name: config.parent for config in sorted(SHIPPED.glob(f"*/{CONFIG}"))}
