"""Training batches: standardised windows of trajectories, functions of seed and step alone."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from panda.config import TrainData
from panda.core.errors import PandaError
from panda.core.seeds import generator
from panda.data.augmentations import Identity, Moments, random_augmentation
from panda.data.series import SeriesStore


class TrainingWindows:
    """Batches of windows as the paper draws them (sections on training data and augmentations).

    For each window: choose a trajectory; with `augmentation_probability` augment it; standardise every
    channel over the whole (augmented) trajectory, `(x - mean) / (std + standardise_eps)`; choose
    `n_channels` channels without replacement (where there are fewer, each once before any repeats:
    `draw_channels`); choose the start uniformly among all that leave a full window. Trajectories are chosen
    uniformly or, with `founder_probability`, first a population (founders, or all others) and then a
    trajectory of it, uniformly.

    All numbers are read once here, for their checksums and moments.

    Raises:
        PandaError: the store is empty or damaged, a trajectory is shorter than a window, or
            `founder_probability` asks for a population that is not there.
    """

    def __init__(
        self,
        store: SeriesStore,
        settings: TrainData,
        *,
        window_length: int,
        batch_size: int,
        founder_probability: float | None,
        seed: int,
    ) -> None:
        self.store, self.settings, self.seed = store, settings, seed
        self.window_length, self.batch_size = window_length, batch_size
        self.founder_probability = founder_probability
        _check_fits(store, window_length=window_length)
        founder = store.table["population"].to_numpy() == "founder"
        self._founders, self._others = np.flatnonzero(founder), np.flatnonzero(~founder)
        self._check_populations()
        self._moments = [Moments.of(store.series(i)) for i in range(len(store))]

    def batch(self, step: int) -> Float[np.ndarray, "batch time channel"]:
        """The windows of one step, float32, of shape (batch_size, window_length, n_channels)."""
        rng = generator(self.seed, "train", "windows", step)
        windows = np.empty((self.batch_size, self.settings.n_channels, self.window_length), dtype=np.float32)
        for window in windows:
            window[:] = self._window(rng)
        return np.ascontiguousarray(windows.transpose(0, 2, 1))

    def _window(self, rng: np.random.Generator) -> Float[np.ndarray, "channel time"]:
        settings, length = self.settings, self.window_length
        chosen = self._choose(rng)
        series = self.store.series(chosen)
        dimension, n_points = series.shape
        if rng.random() < settings.augmentation_probability:
            augmentation = random_augmentation(
                rng, dimension=dimension, n_points=n_points, window_length=length, settings=settings
            )
        else:
            augmentation = Identity(dimension)
        channels = draw_channels(rng, augmentation.n_channels, settings.n_channels)
        start = int(rng.integers(augmentation.n_points(n_points) - length + 1))
        return augmentation.window(
            series,
            self._moments[chosen],
            channels,
            start=start,
            length=length,
            eps=settings.standardise_eps,
        )

    def _choose(self, rng: np.random.Generator) -> int:
        if self.founder_probability is None:
            return int(rng.integers(len(self.store)))
        population = self._founders if rng.random() < self.founder_probability else self._others
        return int(population[rng.integers(population.size)])

    def _check_populations(self) -> None:
        probability = self.founder_probability
        if probability is None:
            return
        if probability > 0 and self._founders.size == 0:
            raise PandaError(
                f"train.founder_probability is {probability}, but no founder trajectory is there; "
                "set it to null or 0, or integrate founders"
            )
        if probability < 1 and self._others.size == 0:
            raise PandaError(
                f"train.founder_probability is {probability}, but there are founder trajectories only; "
                "set it to null or 1, or integrate skew products"
            )


def draw_channels(rng: np.random.Generator, n_there: int, n_wanted: int) -> Int[np.ndarray, " wanted"]:
    """`n_wanted` of `n_there` channels in random order, none twice while another has not come as often.

    Where there are enough this is a draw without replacement; of two channels three are one twice, the other once.
    """
    drawn = rng.permutation(n_there)
    while drawn.size < n_wanted:
        drawn = np.concatenate((drawn, rng.permutation(n_there)))
    return drawn[:n_wanted]


def _check_fits(store: SeriesStore, *, window_length: int) -> None:
    if len(store) == 0:
        raise PandaError("no trajectory to train on; the selection left no system, or loosen its filters")
    short = store.table[store.table["n_points"] < window_length]
    if len(short):
        row = short.iloc[0]
        raise PandaError(
            f"trajectory {row['system']!r} has {row['n_points']} points, fewer than the {window_length} of a "
            f"training window ({len(short)} such in all); leave such systems out, or lower the setting"
        )
