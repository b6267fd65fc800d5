"""The picture of the README, from the figures of a run: `python -m docs.overview results/laptop`."""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.image
import numpy as np

TARGET = Path(__file__).parent / "images" / "overview.png"
# Two of the five rows of attractors: the whole figure would be taller than a screen.
ATTRACTORS_SHARE = 0.4
# Panel A of the forecasts figure ends in the white gap nearest to this share of its height.
PANEL_A_SHARE = 0.375
GAP_PX = 30
# Shades a channel: enough for lines on white, and half the file.
N_SHADES = 16


def read(path: Path) -> np.ndarray:
    """An image as (height, width, 3), in [0, 1]."""
    return matplotlib.image.imread(path)[..., :3]


def upper_panel(image: np.ndarray, share: float) -> np.ndarray:
    """The rows above the all-white row that is nearest to `share` of the height."""
    white = np.flatnonzero(image.min(axis=(1, 2)) > 0.99)
    cut = white[np.abs(white - share * len(image)).argmin()]
    return image[:cut]


def main() -> int:
    """Stack the attractors on the example forecasts."""
    if len(sys.argv) != 2:
        print(__doc__)
        return 1
    figures = Path(sys.argv[1]) / "figures"
    upper = upper_panel(read(figures / "attractors.png"), ATTRACTORS_SHARE)
    lower = upper_panel(read(figures / "forecasts.png"), PANEL_A_SHARE)
    width = max(upper.shape[1], lower.shape[1])
    rows = [
        np.pad(p, ((0, GAP_PX), (0, width - p.shape[1]), (0, 0)), constant_values=1) for p in (upper, lower)
    ]
    TARGET.parent.mkdir(exist_ok=True)
    shades = np.round(np.concatenate(rows) * (N_SHADES - 1)) / (N_SHADES - 1)
    matplotlib.image.imsave(TARGET, shades, pil_kwargs={"optimize": True})
    return 0


if __name__ == "__main__":
    sys.exit(main())
