"""Three-dimensional attractors as lines on paper: the view, and shading by depth."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from scipy.interpolate import Akima1DInterpolator

FINER = 4  # points drawn for each stored one
N_SHADES = 8  # levels of depth; each is one path, which keeps the PDF small


def best_view(points: Float[np.ndarray, "time 3"]) -> Float[np.ndarray, "3 3"]:
    """Rotation whose first two rows span the view on which the standardised points cover the largest area.

    Of 24 views (12 azimuths, 2 elevations) the one with the largest determinant of the covariance of the
    projected points is taken; the third row points to the reader. The vertical axis stays vertical.
    """
    scaled = _standardised(points)
    scaled = scaled[np.isfinite(scaled).all(axis=1)]
    views = [_rotation(a, e) for e in (12.0, 28.0) for a in range(0, 180, 15)]
    if len(scaled) < 3:
        return views[0]
    covariance = np.cov(scaled.T)
    areas = [np.linalg.det(view[:2] @ covariance @ view[:2].T) for view in views]
    return views[int(np.argmax(np.round(areas, 9)))]


def project(points: Float[np.ndarray, "time 3"], view: Float[np.ndarray, "3 3"]) -> np.ndarray:
    """Standardised points seen along `view`, (time, 3): right, up, towards the reader; |coordinates| <= 1."""
    seen = _standardised(points) @ view.T
    finite = np.isfinite(seen).all(axis=1)
    if not finite.any():
        return np.full_like(seen, np.nan)
    low, high = seen[finite].min(axis=0), seen[finite].max(axis=0)
    return (seen - (low + high) / 2) / max((high - low)[:2].max() / 2, 1e-12)


def smooth(points: Float[np.ndarray, "time 3"]) -> Float[np.ndarray, "finer 3"]:
    """The curve through the points with FINER - 1 points between neighbours, by modified Akima splines.

    They overshoot less than cubic splines where a fast jump is stored as two points. Without change where
    a point is not finite.
    """
    n = len(points)
    if n < 3 or not np.isfinite(points).all():
        return points
    finer = np.arange(FINER * (n - 1) + 1) / FINER
    curve = Akima1DInterpolator(np.arange(n), points, method="makima")(finer)
    curve[::FINER] = points
    return curve


def draw_attractor(axes: Axes, seen: Float[np.ndarray, "time 3"], colour: str, *, width: float) -> None:
    """Draw a projected trajectory, far parts pale and near ones dark."""
    finite = np.isfinite(seen).all(axis=1)
    if finite.sum() < 2:
        return
    depth = seen[:, 2]
    low, high = depth[finite].min(), depth[finite].max()
    middle = (depth[:-1] + depth[1:]) / 2
    level = np.nan_to_num((middle - low) / max(high - low, 1e-12) * N_SHADES).astype(int)
    level = np.clip(level, 0, N_SHADES - 1)
    tint = np.array(to_rgb(colour))
    for shade in range(N_SHADES):
        chosen = np.flatnonzero(level == shade)
        if not len(chosen):
            continue
        near = shade / (N_SHADES - 1)
        path = _broken(seen[:, :2], chosen)
        mixed = tint * (1 - 0.25 * near) * (0.45 + 0.55 * near) + (1 - (0.45 + 0.55 * near))
        axes.plot(path[:, 0], path[:, 1], color=tuple(np.clip(mixed, 0, 1)), lw=width, zorder=2 + near)
    reach = 1.08 * max(1.0, np.abs(seen[finite, :2]).max())  # splines may go a little beyond the points
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")


def _broken(plane: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """The points of the given segments (i joins points i and i + 1) in one path, NaN between runs."""
    cuts = np.flatnonzero(np.diff(segments) > 1) + 1
    pieces = []
    for run in np.split(segments, cuts):
        pieces += [plane[run[0] : run[-1] + 2], np.full((1, 2), np.nan)]
    return np.concatenate(pieces[:-1])


def _standardised(points: np.ndarray) -> np.ndarray:
    points = np.asarray(points, float)
    finite = points[np.isfinite(points).all(axis=1)]
    if not len(finite):
        return np.full_like(points, np.nan)
    return (points - finite.mean(axis=0)) / np.maximum(finite.std(axis=0), 1e-12)


def _rotation(azimuth_deg: float, elevation_deg: float) -> np.ndarray:
    a, e = np.deg2rad([azimuth_deg, elevation_deg])
    toward = np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    right = np.array([-np.sin(a), np.cos(a), 0.0])
    return np.stack([right, np.cross(toward, right), toward])
