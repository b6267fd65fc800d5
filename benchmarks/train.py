"""Windows a second in training, ours beside the reference's recipe: `python -m benchmarks.train`.

Both train the same model on one core, each in a process of its own, on trajectories of noise (what is in them does not
matter for speed). Ours is what `panda train model` runs. The other is a re-creation of the reference code's recipe:
float32, eager attention written out as products, AdamW, a loop in the style of the Hugging Face Trainer, one
compressed Arrow file per trajectory, decoded whole for every window. `--compiled` lets torch compile the other one
too, which its GPU runs do.

Two sizes: `laptop` (the preset's model, by the recipe `strong`) and `21m` (the paper's model and recipe). Further: the
loaders alone, the time to open many trajectories, and where a step of ours spends its time, beside what the processor's
matrix product does at these sizes. The last line has the two ratios.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import nn

from panda.config import Config, ModelShape, Recipe
from panda.config.estimate import flops
from panda.config.load import load_config
from panda.data.augmentations import Identity, random_augmentation
from panda.data.store import Trajectory, TrajectoryStore, trajectory_writer
from panda.data.windows import TrainingWindows, draw_channels
from panda.model.panda import Panda
from panda.training.hardware import Machine, autocast
from panda.training.loop import Saving, train, window_length
from panda.training.objectives import forecast_loss
from panda.training.optimisers import Optimiser, learning_rate_factor

N_POINTS, DIMENSIONS = 4096, (3, 4, 5, 6)
# Windows per step; and seconds of training that are timed, after a first step.
SIZES = {"laptop": (32, 40.0), "21m": (8, 60.0)}
ROOT = Path(__file__).resolve().parents[1]
SEED = 0


def configuration(size: str) -> Config:
    """The preset whose model `panda` has this size."""
    return load_config(ROOT / "config.yaml", preset="laptop" if size == "laptop" else "paper")


def noise(n: int) -> Iterator[Trajectory]:
    """Trajectories of noise, a third of them founders."""
    rng = np.random.default_rng(SEED)
    for i in range(n):
        target = rng.standard_normal((DIMENSIONS[i % len(DIMENSIONS)], N_POINTS), dtype=np.float32)
        kind = "founder" if i % 3 == 0 else "skew"
        yield Trajectory(f"S{i}-pp0", f"S{i}", f"S{i}", "", kind, 0, 0, 1.0, 0.01, 1.0, target)


def write_store(path: Path, n: int) -> None:
    """All in one file, as ours are."""
    with trajectory_writer(path) as write:
        for row in noise(n):
            write(row)


def write_files(folder: Path, n: int) -> None:
    """A compressed file for each, as the reference's are."""
    folder.mkdir()
    for i, row in enumerate(noise(n)):
        table = pa.table({"target": pa.array([row.target.tolist()], pa.list_(pa.list_(pa.float32())))})
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_file(
            str(folder / f"{i}_T-{N_POINTS}.arrow"), table.schema, options=options
        ) as writer:
            writer.write_table(table)


class FileWindows:
    """Windows as the reference's loader makes them: a file is decoded, augmented and standardised for each."""

    def __init__(self, folder: Path, config: Config, length: int, batch_size: int) -> None:
        self.files = sorted(folder.glob("*.arrow"))
        self.settings, self.length, self.batch_size = config.train.data, length, batch_size
        self.rng = np.random.default_rng(SEED)

    def batch(self) -> torch.Tensor:
        """Windows of one step."""
        windows = [torch.from_numpy(self._window()) for _ in range(self.batch_size)]
        return torch.stack(windows).transpose(1, 2).contiguous()

    def _window(self) -> np.ndarray:
        rng, settings = self.rng, self.settings
        with pa.memory_map(str(self.files[rng.integers(len(self.files))])) as source:
            rows = pa.ipc.open_file(source).read_all().column("target")[0]
            series = np.stack([np.asarray(channel.values, dtype=np.float32) for channel in rows])
        augmentation = Identity(len(series))
        if rng.random() < settings.augmentation_probability:
            augmentation = random_augmentation(
                rng, dimension=len(series), n_points=N_POINTS, window_length=self.length, settings=settings
            )
        whole = augmentation.apply(series)
        whole = (whole - whole.mean(axis=1, keepdims=True)) / (
            whole.std(axis=1, keepdims=True) + settings.standardise_eps
        )
        channels = draw_channels(rng, len(whole), settings.n_channels)
        start = rng.integers(whole.shape[1] - self.length + 1)
        return np.ascontiguousarray(whole[channels, start : start + self.length], dtype=np.float32)


def train_ours(size: str, data: Path, seconds: float) -> dict[str, float]:
    """Windows a second of `panda.training.loop.train`, as its log has them."""
    config, (batch_size, _) = configuration(size), SIZES[size]
    shape, recipe = _shape_and_recipe(config)
    windows = _windows(config, data, batch_size)

    def run(n_steps: int, folder: str) -> float:
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as state:
            saving = Saving(Path(state) / folder, "benchmark", n_steps + 1, n_steps)
            machine = Machine("cpu", 1, "auto", True)
            done = train(
                shape,
                recipe,
                windows,
                encoder=None,
                n_steps=n_steps,
                seed=SEED,
                machine=machine,
                saving=saving,
            )
        first_s.append(time.perf_counter() - began)
        return float(done.log["samples_per_s"].iloc[-1])

    first_s: list[float] = []
    rate = run(4, "first")  # also compiles
    rate = run(max(4, int(seconds * rate / batch_size)), "timed")
    return {"windows_per_s": rate, "first_s": first_s[0], **_memory()}


def train_theirs(size: str, data: Path, seconds: float, *, compiled: bool) -> dict[str, float]:
    """Windows a second of the reference's recipe, re-created."""
    config, (batch_size, _) = configuration(size), SIZES[size]
    torch.set_num_threads(1)
    shape = config.train.model_shape("panda").model_copy(
        update={"pooling": "mean", "residual_on_last": False}
    )
    recipe = config.train.recipes["paper"]
    model = Panda(shape, torch.Generator().manual_seed(SEED))
    optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, fused=True)
    windows = FileWindows(data, config, window_length(shape, recipe), batch_size)
    total, n_steps, began, first_s = torch.zeros(()), 0, 0.0, time.perf_counter()

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        forecast = model.forecast(batch[:, : shape.context_length])
        return forecast_loss(forecast, batch[:, shape.context_length :], recipe)

    step = torch.compile(loss_of, dynamic=False) if compiled else loss_of
    while n_steps == 0 or time.perf_counter() - began < seconds:
        batch = windows.batch()
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate * learning_rate_factor(
                n_steps, n_steps=10**5, warmup_fraction=0.1
            )
        loss = step(batch)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), recipe.max_grad_norm)
        optimiser.step()
        optimiser.zero_grad()
        if not torch.isnan(loss) and not torch.isinf(loss):
            total += loss.detach()
        n_steps += 1
        if n_steps == 1:
            began = time.perf_counter()
            first_s = began - first_s
    rate = (n_steps - 1) * batch_size / (time.perf_counter() - began)
    return {"windows_per_s": rate, "first_s": first_s, **_memory()}


def load_alone(size: str, store: Path, files: Path) -> dict[str, float]:
    """Windows a second of both loaders, without a model."""
    config, (batch_size, _) = configuration(size), SIZES[size]
    ours = _windows(config, store, batch_size)
    theirs = FileWindows(files, config, ours.window_length, batch_size)
    steps = iter(range(10**9))
    return {
        "ours": batch_size / _seconds(lambda: ours.batch(next(steps))),
        "theirs": batch_size / _seconds(theirs.batch),
    }


def open_many(n: int) -> dict[str, float]:
    """Seconds until training can begin on `n` trajectories: opened, checked, moments taken."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.arrow"
        write_store(path, n)
        began = time.perf_counter()
        _windows(configuration("laptop"), path, 32)
        return {"trajectories": n, "seconds": time.perf_counter() - began, **_memory()}


def where_time_goes(size: str, data: Path) -> dict[str, Any]:
    """Milliseconds of a step of ours by part, and GFLOP/s of the step beside those of matrix products."""
    config, (batch_size, _) = configuration(size), SIZES[size]
    torch.set_num_threads(1)
    shape, recipe = _shape_and_recipe(config)
    model = Panda(shape, torch.Generator().manual_seed(SEED))
    optimiser, windows = Optimiser(model, recipe, n_steps=1000), _windows(config, data, batch_size)
    precision = autocast("auto", torch.device("cpu"))

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        with precision:
            forecast = model.forecast(batch[:, : shape.context_length])
        return forecast_loss(forecast, batch[:, shape.context_length :], recipe)

    quick = torch.compile(loss_of, dynamic=False)
    batch = torch.from_numpy(windows.batch(0))
    quick(batch).backward()
    forward_s = _seconds(lambda: quick(batch))

    def both() -> None:
        optimiser.zero_grad()
        quick(batch).backward()

    both_s = _seconds(both)
    optimiser_s = _seconds(lambda: optimiser.step(500))
    window_flops = 3 * flops(shape, n_channels=config.train.data.n_channels)
    rows = batch_size * config.train.data.n_channels * (shape.context_length // shape.patch_length)
    return {
        "batch_ms": 1e3 * _seconds(lambda: windows.batch(1)),
        "forward_ms": 1e3 * forward_s,
        "backward_ms": 1e3 * (both_s - forward_s),
        "optimiser_ms": 1e3 * optimiser_s,
        "gflops": window_flops * batch_size / (both_s + optimiser_s) / 1e9,
        "product_bfloat16_gflops": _product(rows, shape.d_model, torch.bfloat16),
        "product_float32_gflops": _product(rows, shape.d_model, torch.float32),
    }


def _product(rows: int, width: int, dtype: torch.dtype) -> float:
    """GFLOP/s of (rows, width) times (width, width): what every linear map of a layer is."""
    left, right = torch.randn(rows, width).to(dtype), torch.randn(width, width).to(dtype)
    return 2 * rows * width**2 / _seconds(lambda: left @ right) / 1e9


def _seconds(act: Callable[[], Any], least_s: float = 2.0) -> float:
    """Median wall time of an act, over at least `least_s` and five times."""
    act()
    times: list[float] = []
    while len(times) < 5 or sum(times) < least_s:
        began = time.perf_counter()
        act()
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def _shape_and_recipe(config: Config) -> tuple[ModelShape, Recipe]:
    return config.train.model_shape("panda"), config.train.recipes[config.train.recipe_name("panda")]


def _windows(config: Config, path: Path, batch_size: int) -> TrainingWindows:
    shape, recipe = _shape_and_recipe(config)
    return TrainingWindows(
        TrajectoryStore.open(path),
        config.train.data,
        window_length=window_length(shape, recipe),
        batch_size=batch_size,
        founder_probability=0.5,
        seed=SEED,
    )


def _memory() -> dict[str, float]:
    return {"peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}


def _apart(*words: str) -> dict[str, Any]:
    """A measurement in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.train", "--measure", *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return json.loads(done.stdout.splitlines()[-1])


def measure(words: list[str]) -> dict[str, Any]:
    """What `--measure` asks for, by name."""
    what, size, *rest = words
    seconds = SIZES[size][1] if size in SIZES else 0.0
    if what == "open":
        return open_many(int(size))
    if what == "ours":
        return train_ours(size, Path(rest[0]), seconds)
    if what == "theirs":
        return train_theirs(size, Path(rest[0]), seconds, compiled=len(rest) > 1)
    if what == "load":
        return load_alone(size, Path(rest[0]), Path(rest[1]))
    return where_time_goes(size, Path(rest[0]))


def compare(n: int, *, compiled: bool) -> dict[str, float]:
    """Both sizes, both sides, one after another; the ratios by size."""
    ratios = {}
    with tempfile.TemporaryDirectory() as folder:
        store, files = Path(folder) / "store.arrow", Path(folder) / "files"
        write_store(store, n)
        write_files(files, n)
        for size in SIZES:
            ours, theirs = _apart("ours", size, str(store)), _apart("theirs", size, str(files))
            sides = {"ours": ours, "reference": theirs}
            if compiled:
                sides["reference, compiled"] = _apart("theirs", size, str(files), "compiled")
            for name, side in sides.items():
                print(
                    f"{size:8}{name:22}{side['windows_per_s']:9.1f} windows/s, first step {side['first_s']:5.1f} s, "
                    f"{side['peak_gb']:.2f} GB",
                    flush=True,
                )
            loaders, parts = _apart("load", size, str(store), str(files)), _apart("parts", size, str(store))
            print(
                f"{size:8}loaders alone: " + ", ".join(f"{k} {v:,.0f} windows/s" for k, v in loaders.items())
            )
            print(
                f"{size:8}a step of ours: " + ", ".join(f"{k} {v:.1f}" for k, v in parts.items()), flush=True
            )
            ratios[size] = ours["windows_per_s"] / theirs["windows_per_s"]
    return ratios


def main() -> None:
    """Compare, print, and end with the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compiled", action="store_true", help="compile the reference's model too")
    parser.add_argument("--trajectories", type=int, default=500, help="trajectories to train on")
    parser.add_argument(
        "--open", type=int, default=16_000, help="trajectories to open at the start of a training"
    )
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure)))
        return
    ratios = compare(given.trajectories, compiled=given.compiled)
    opened = _apart("open", str(given.open))
    print(
        f"open {opened['trajectories']:,} trajectories: {opened['seconds']:.1f} s, {opened['peak_gb']:.2f} GB"
    )
    print(f"ratio_laptop={ratios['laptop']:.2f} ratio_21m={ratios['21m']:.2f}")


if __name__ == "__main__":
    main()
