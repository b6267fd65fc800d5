"""Small but realistic results to draw: integrated flows, forecasts that drift, tables as the stages write."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

FORECASTERS = ["panda", "panda_mlm_sft", "persistence", "context_mean", "fourier", "linear_ar", "parrot",
               "parrot_anchored", "darts_nbeats"]  # fmt: skip
# Typical sMAPE (0 to 200) at the first and the last horizon.
LEVELS = {"panda": (18, 62), "panda_mlm_sft": (24, 71), "persistence": (78, 118), "context_mean": (140, 146),
          "fourier": (105, 132), "linear_ar": (38, 121), "parrot": (36, 84), "parrot_anchored": (31, 88),
          "darts_nbeats": (33, 79)}  # fmt: skip
HORIZONS = [64, 128, 192, 256, 320, 384, 448, 512]
FILTERS = ["integrated", "not_at_rest", "no_outliers", "not_straight", "irregular", "not_periodic", "power_spectrum",
           "stationary", "driven", "chaotic", "persistent",
           "converged"]  # fmt: skip
NAMES = [
    "Lorenz",
    "Rossler",
    "Halvorsen",
    "Thomas",
    "SprottB",
    "Chen",
    "KawczynskiStrizhak",
    "CircadianRhythm",
]


def flow(x: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Right-hand sides of six three-dimensional flows, (n, 3) -> (n, 3)."""
    a, b, c = x.T
    every = np.stack([
        [10 * (b - a), a * (28 - c) - b, a * b - 8 / 3 * c],
        [4 * (-b - c), 4 * (a + 0.2 * b), 4 * (0.2 + c * (a - 5.7))],
        [-1.4 * a - 4 * (b + c) - b * b, -1.4 * b - 4 * (c + a) - c * c, -1.4 * c - 4 * (a + b) - a * a],
        [6 * (np.sin(b) - 0.19 * a), 6 * (np.sin(c) - 0.19 * b), 6 * (np.sin(a) - 0.19 * c)],
        [3 * b * c, 3 * (a - b), 3 * (1 - a * b)],
        [35 * (b - a), -7 * a - a * c + 28 * b, a * b - 3 * c],
    ])  # fmt: skip
    return every[kind, :, np.arange(len(kind))]


def integrate(kinds: list[int], n_points: int, dt: float, seed: int, *, scatter: float = 0.2) -> np.ndarray:
    """RK4, (n, time, 3), the first 500 steps dropped."""
    kind, rng = np.array(kinds), np.random.default_rng(seed)
    x = np.array([1.0, 0.5, 1.5]) + scatter * rng.standard_normal((len(kinds), 3))
    out = []
    for step in range(500 + n_points):
        k1 = flow(x, kind)
        k2 = flow(x + dt / 2 * k1, kind)
        k3 = flow(x + dt / 2 * k2, kind)
        k4 = flow(x + dt * k3, kind)
        x = x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        if step >= 500:
            out.append(x)
    return np.stack(out, axis=1)


def pair_names(n: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [f"{NAMES[i % len(NAMES)]}_{NAMES[int(rng.integers(len(NAMES)))]}" for i in range(n)]


def gallery(n_systems: int, n_founders: int, n_perturbations: int, n_points: int) -> dict[str, np.ndarray]:
    attractors = integrate([i % 6 for i in range(n_systems)], n_points, 0.006, 1)
    shape = (n_founders, 1 + n_perturbations)
    kinds = [i % 6 for i in range(n_founders) for _ in range(shape[1])]
    perturbed = integrate(kinds, n_points, 0.006, 2).reshape(*shape, n_points, 3)
    perturbed = perturbed * (1 + 0.3 * np.random.default_rng(3).standard_normal((*shape, 1, 3)))
    accepted = np.ones(shape, bool)
    if shape[1] > 2:
        perturbed[0, -1] = np.nan
        accepted[0, -2:] = False
    return {
        "attractors": attractors.astype(np.float32),
        "attractor_names": np.array(pair_names(n_systems)),
        "attractor_exponents": np.linspace(0.05, 1.4, n_systems),
        "attractor_errors": np.linspace(0.004, 0.12, n_systems),
        "perturbations": perturbed.astype(np.float32),
        "perturbation_founders": np.array([NAMES[i % 6] for i in range(n_founders)]),
        "perturbation_accepted": accepted,
    }


def acceptance(n_in: dict[str, int], seed: int = 0) -> pd.DataFrame:
    rng, rows = np.random.default_rng(seed), []
    columns = ["population", "order", "filter", "n_in", "n_passed"]
    columns += ["n_diverged", "n_underflow", "n_budget", "n_acausal"]
    for population, n in n_in.items():
        for order, name in enumerate(FILTERS):
            passed = int(n * rng.uniform(0.72, 1.0))
            lost = n - passed if name == "integrated" else 0
            rows.append((population, order, name, n, passed, lost - lost // 3, lost // 3, 0, 0))
            n = passed
    table = pd.DataFrame(rows, columns=columns)
    kept = table.groupby("population")["n_passed"].transform("last")
    return table.assign(n_accepted=kept + 37 * (table["population"] == "founder"))


def spectra(n_skew: int, n_founder: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = n_skew + n_founder
    population = np.array(["skew"] * n_skew + ["founder"] * n_founder)
    skew = population == "skew"
    driver, response = rng.lognormal(-1.2, 0.7, n), rng.normal(0.1, 0.45, n)
    largest = np.where(skew, np.maximum(driver, response), driver)
    error = 0.03 * np.abs(response) + 0.002
    kind = np.where(
        response > 3 * error, "chaotic", np.where(response < -3 * error, "synchronised", "undecided")
    )
    period = rng.lognormal(0.5, 0.4, n)
    return pd.DataFrame(
        {
            "system": [f"system{i}" for i in range(n)],
            "name": [f"pair{i % max(1, n // 3)}" for i in range(n)],
            "population": population,
            "period": period,
            "dt": period / 128,
            "exponents": [np.array([value, 0.0, -5.0]) for value in largest],
            "exponent_errors": [np.array([0.03 * value, 0.001, 0.1]) for value in largest],
            "conditional_exponents": [
                np.array([v, -3.0])[: 2 * s] for v, s in zip(response, skew, strict=True)
            ],
            "conditional_errors": [np.array([e, 0.1])[: 2 * s] for e, s in zip(error, skew, strict=True)],
            "kaplan_yorke": 2 + largest / 5,
            "kaplan_yorke_error": 0.01,
            "response_kind": np.where(skew, kind, ""),
        }
    )


def evolution(seeds: tuple[int, ...] = (1, 2, 3)) -> dict[str, pd.DataFrame]:
    rows, curve = [], []
    for factor, method in enumerate(("one_generation", "evolution"), start=1):
        for seed in seeds:
            n = 100 * factor + 5 * seed
            rows.append(
                {"method": method, "seed": seed, "budget_cpu_s": 60.0, "n_candidates": 6000, "n_accepted": n,
                 "acceptance": n / 6000, "accepted_per_cpu_s": n / 60, "n_resolved": n - 9,
                 "effective_number_resolved": n / 5, "n_founder_pairs": n // 3,
                 "effective_number": 0.7 * n, "n_equal": 105, "effective_number_equal": 70.0 + seed,
                 "mean_distance": 5.0 / factor, "exponent_spread": 0.9,
                 "dimension_spread": 1.1 * factor}
            )  # fmt: skip
            curve += [(method, seed, 60.0 * k / 4, n * k // 4, 0.7 * n * k / 4) for k in range(1, 5)]
    names = ["method", "seed", "cpu_s", "n_accepted", "effective_number"]
    return {
        "discover/evolution": pd.DataFrame(rows),
        "discover/evolution_curve": pd.DataFrame(curve, columns=names),
    }


def published() -> pd.DataFrame:
    p = np.linspace(0, 1, 9)
    parts = [
        {"population": name, "n": 900, "probability": p, "exponent_per_sample": 0.2 * p**2 - 0.003}
        for name in ("skew", "founder")
    ]
    return pd.concat([pd.DataFrame(part) for part in parts], ignore_index=True)


def by_system(forecasters: list[str], n_names: dict[str, int], seed: int = 0) -> pd.DataFrame:
    rng, rows = np.random.default_rng(seed), []
    for population, n in n_names.items():
        ease = rng.normal(0, 0.35, n) + (0.15 if population == "founder" else 0.0)
        for forecaster in forecasters:
            low, high = LEVELS.get(forecaster, (50, 100))
            for horizon in HORIZONS:
                share = (horizon - 64) / 448
                smape = np.clip(
                    (low + (high - low) * share**0.7) * np.exp(ease + rng.normal(0, 0.15, n)), 0.5, 200
                )
                growth = 12.0 if forecaster == "linear_ar" else 1.0
                mae = (smape / 110) ** 1.3 * np.exp(growth * share * 0.3 * np.abs(rng.normal(0, 1, n)))
                for i in range(n):
                    rows.append((forecaster, population, f"{population}{i}", horizon, smape[i], mae[i]))
    return pd.DataFrame(rows, columns=["forecaster", "population", "name", "horizon", "smape", "mae"])


def summary(systems: pd.DataFrame, metrics: tuple[str, ...] = ("smape", "mae")) -> pd.DataFrame:
    rows = []
    whole = pd.concat([systems, systems.assign(population="all")])
    for (forecaster, population, horizon), group in whole.groupby(["forecaster", "population", "horizon"]):
        for metric in metrics:
            q25, median, q75 = group[metric].quantile([0.25, 0.5, 0.75])
            half = 1.2 * (q75 - q25) / len(group) ** 0.5
            rows.append(
                {"forecaster": forecaster, "population": population, "horizon": horizon, "metric": metric,
                 "median": median, "median_low": median - half, "median_high": median + half,
                 "mean": group[metric].mean(), "q25": q25, "q75": q75, "n_systems": len(group),
                 "n_founders": 20, "n_clusters": len(group), "censored": np.nan, "failed": 0.0}
            )  # fmt: skip
    return pd.DataFrame(rows)


def examples(forecasters: list[str], n: int, seed: int = 0) -> dict[str, dict[str, np.ndarray]]:
    series = integrate([i % 6 for i in range(n)], 1024, 0.016, seed + 5)
    context, truth = series[:, :512], series[:, 512:]
    other = integrate([i % 6 for i in range(n)], 1024, 0.016, seed + 6, scatter=0.5)[:, 512:]
    result = {}
    for place, forecaster in enumerate(forecasters):
        onset = 330 - 35 * place
        blend = 1 / (1 + np.exp(-(np.arange(512) - onset) / 18))[None, :, None]
        forecast = truth * (1 - blend) + other * blend
        if forecaster == "linear_ar":
            forecast = forecast + np.expm1(np.arange(512) / 60)[None, :, None]
        result[f"scores/test/{forecaster}"] = {
            "context": context.astype(np.float32), "truth": truth.astype(np.float32),
            "forecast": forecast.astype(np.float32)[None], "names": np.array(pair_names(n)),
            "forecasters": np.array([forecaster]),
        }  # fmt: skip
    return result


def completions(n: int, n_points: int = 512) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    series = integrate([i % 6 for i in range(n)], n_points, 0.016, 9)
    truth = (series - series.mean(axis=1, keepdims=True)) / series.std(axis=1, keepdims=True)
    rng = np.random.default_rng(4)
    mask = rng.random((n, 3, n_points // 16)) < 0.5
    hidden = np.repeat(mask, 16, axis=2).transpose(0, 2, 1)
    smooth = 0.25 * np.sin(np.arange(n_points) / 9.0)[None, :, None]
    completion = np.where(hidden, 0.93 * truth + smooth, truth)
    names = np.array(pair_names(n))
    rows = []
    scale = {"panda_mlm": 0.18, "linear_interpolation": 0.42, "cubic_spline": 0.55, "persistence": 0.7}
    for forecaster, level in scale.items():
        for system in range(40):
            mae = level * rng.lognormal(0, 0.4)
            values = {"mae": mae, "rmse": 1.3 * mae, "pearson": 1 - min(1.2, mae)}
            # Two perturbations of each of 20 names.
            key = (forecaster, f"s{system // 2}-p{system % 2}", f"s{system // 2}")
            rows += [(*key, metric, value) for metric, value in values.items()]
    table = pd.DataFrame(rows, columns=["forecaster", "system", "name", "metric", "value"])
    arrays = {"truth": truth, "completion": completion, "mask": mask, "names": names}
    return table, arrays


def scaling(verdict: str, horizons: tuple[int, ...] = (128,), n_splits: int = 8, n_test: int = 60) -> dict:
    rng, rows, laws = np.random.default_rng(11), [], []
    ease = rng.normal(0, 6, n_test)
    for horizon in horizons:
        c0, c1, alpha = 10 + horizon / 20, 160.0, 0.42
        for split in range(n_splits):
            n_systems = 20979 // 2**split
            error = c0 + c1 * n_systems**-alpha + ease + rng.normal(0, 2, n_test)
            for i in range(n_test):
                rows.append((f"m{split}", split, n_systems, 2**split, horizon, f"s{i}", f"s{i}", error[i]))
        reason = "alpha is between 0.31 and 0.55" if verdict == "identifiable" else "3 sizes; 4 are needed"
        laws.append({"horizon": horizon, "c0": c0, "c1": c1, "alpha": alpha, "alpha_low": 0.31,
                     "alpha_high": 0.55, "verdict": verdict, "reason": reason})  # fmt: skip
    columns = ["model", "split", "n_systems", "n_initial_conditions", "horizon", "system", "cluster", "error"]
    return {"scaling/points": pd.DataFrame(rows, columns=columns), "scaling/fit": pd.DataFrame(laws)}


def learning() -> pd.DataFrame:
    """Curves of two models over doublings, and two forecasters that do not learn."""
    rows = []
    for place, population in enumerate(("founder", "skew")):
        for horizon in (128, 512):
            for name, start in (("panda", 120.0), ("panda_mlm_sft", 126.0)):
                for power in range(6):
                    n = 1000 * 2**power
                    error = start - 6.0 * power + 5 * place + horizon / 40
                    rows.append((name, n, 32 * n, population, horizon, error, error / 120, 90.0 / error))
            for name, error in (("parrot", 96.0), ("linear_ar", 107.0)):
                rows.append((name, pd.NA, pd.NA, population, horizon, error + place, error / 120, 0.8))
    columns = ["forecaster", "step", "n_windows", "population", "horizon", "smape", "mae", "valid_time"]
    return pd.DataFrame(rows, columns=columns).astype({"step": "Int64", "n_windows": "Int64"})


def measured(datasets: dict[str, int], forecasters: list[str], horizons: tuple[int, ...] = (64, 128)):
    """Scores of 8 windows and an example of series with so many channels, one table for all forecasters."""
    tables, arrays = {}, {}
    for place, (dataset, n_channels) in enumerate(datasets.items()):
        rng, rows = np.random.default_rng(place), []
        series = integrate([place], 512 + max(horizons), 0.02, place)[:, :, :n_channels]
        for forecaster in forecasters:
            low, high = LEVELS[forecaster]
            for horizon in horizons:
                for window, ease in enumerate(np.exp(0.3 * rng.standard_normal(8))):
                    smape = min(200.0, ease * (low + (high - low) * horizon / 512))
                    rows.append((forecaster, window, horizon, smape, smape / 90))
        columns = ["forecaster", "window", "horizon", "smape", "mae"]
        tables[f"scores/{dataset}/_all"] = pd.DataFrame(rows, columns=columns)
        drift = np.linspace(1, 0.3, max(horizons))[:, None]
        arrays[f"scores/{dataset}/_all"] = {
            "context": series[:, :512].astype(np.float32),
            "truth": series[:, 512:].astype(np.float32),
            "forecast": np.stack([series[:, 512:] * drift**k for k in range(len(forecasters))]),
            "forecasters": np.array(forecasters),
        }
    return tables, arrays


def pde(forecasters: list[str], field: np.ndarray | None = None) -> tuple[pd.DataFrame, dict]:
    """`field` (time, x) of at least 1024 times, or travelling waves."""
    if field is None:
        t, x = np.meshgrid(
            np.arange(1024) * 0.0244, np.linspace(0, 2 * np.pi, 64, endpoint=False), indexing="ij"
        )
        field = 1.5 * np.sin(8 * x + 0.3 * t) + np.sin(5 * x - 0.2 * t + np.sin(0.3 * t))
    context, truth = field[:512], field[512:1024]
    arrays, rows = {}, []
    for place, forecaster in enumerate(forecasters):
        drift = np.linspace(0, 1, 512)[:, None] ** 1.5 * (0.4 + 0.25 * place)
        forecast = truth * np.cos(drift) + np.roll(truth, 5, axis=1) * np.sin(drift)
        arrays[f"scores/kuramoto_sivashinsky/{forecaster}"] = {
            "context": context[None], "truth": truth[None], "forecast": forecast[None, None],
            "dt": np.array([0.0244]), "exponent": np.float64(0.09), "forecasters": np.array([forecaster]),
        }  # fmt: skip
        low, high = LEVELS.get(forecaster, (50, 100))
        for horizon in HORIZONS:
            for metric, scale in (("smape", 1.0), ("mae", 0.008), ("mse", 1e-4), ("spearman", 0.0)):
                mean = scale * (low + (high - low) * (horizon - 64) / 448)
                rows.append((forecaster, "all", horizon, metric, mean, mean, 0.93 * mean, 1.07 * mean, 40))
    columns = [
        *("forecaster", "population", "horizon", "metric"),
        *("mean", "median", "mean_low", "mean_high", "n_systems"),
    ]
    return pd.DataFrame(rows, columns=columns), arrays


def build(*, n_systems: int, n_points: int, n_skew: int, n_names: dict[str, int], n_examples: int):
    """Tables and arrays of one whole run."""
    systems = by_system(FORECASTERS, n_names)
    fields_table, fields = pde(FORECASTERS[:-1])
    completion_table, completion_arrays = completions(min(4, n_examples))
    measured_tables, measured_arrays = measured({"laser": 1, "fly_brain": 3}, FORECASTERS[:-1])
    tables = {
        "discover/acceptance": acceptance({"founder": 300, "skew": 7200}),
        "discover/spectra": spectra(n_skew, 60),
        "paper/reference_exponents": published(),
        **evolution(),
        "evaluate/test/by_system": systems,
        "evaluate/test/summary": summary(systems),
        "evaluate/completions": completion_table,
        "evaluate/kuramoto_sivashinsky/summary": fields_table,
        **scaling("identifiable"),
        "train/learning": learning(),
        **measured_tables,
    }
    arrays = {
        "discover/gallery": gallery(n_systems, 6, 5, n_points),
        "evaluate/completions": completion_arrays,
        **examples(FORECASTERS, n_examples),
        **fields,
        **measured_arrays,
    }
    return tables, arrays


@pytest.fixture(scope="session")
def results() -> tuple[dict[str, pd.DataFrame], dict[str, dict[str, np.ndarray]]]:
    return build(n_systems=7, n_points=300, n_skew=80, n_names={"skew": 12, "founder": 6}, n_examples=3)


@pytest.fixture(scope="session")
def sweep():
    """`scaling`, for tests that want a verdict or a number of sizes of their own."""
    return scaling
