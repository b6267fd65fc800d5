"""The metrics of forecasts and completions: what each is called, in what it is measured, and which way is better.

A new one is a file with its function, and its entry here: scores, summaries, tests, figures and report follow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        label: as a reader sees it.
        scale: its unit or range.
        formula: x is the forecast, y the truth, both in units of the context's mean and standard deviation.
        of: what it scores: `forecasts` of systems, `fields` of a PDE, `completions`.
        higher_is_better: else lower is.
        worst: what a forecast scores that is no number.
        headline: whether figures and the report's tables show it.
        function: `package.module.function` of the metric of forecasts, called with forecast and truth, both (batch,
            time, channel), and the horizons, for an array (batch, n_horizons); "" where it is computed with others.
        settings: what it takes beside by keyword, each with the key of `evaluate` that holds it.
    """

    label: str
    scale: str
    formula: str
    of: tuple[str, ...]
    higher_is_better: bool = False
    worst: float = math.inf
    headline: bool = False
    function: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def axis(self) -> str:
        """Label and scale, for an axis."""
        return f"{self.label} ({self.scale})"


METRICS: dict[str, Metric] = {
    "smape": Metric(
        "sMAPE",
        "0 to 200",
        "200 mean(|x - y| / (|x| + |y|))",
        ("forecasts", "fields"),
        worst=200.0,
        headline=True,
        function="panda.evaluation.metrics.smape",
        settings={"eps": "smape_eps"},
    ),
    "mse": Metric(
        "MSE",
        "context variances",
        "mean((x - y)^2)",
        ("forecasts", "fields"),
        function="panda.evaluation.metrics.mse",
    ),
    "mae": Metric(
        "MAE",
        "context s.d.",
        "mean(|x - y|)",
        ("forecasts", "fields", "completions"),
        headline=True,
        function="panda.evaluation.metrics.mae",
    ),
    "spearman": Metric(
        "Spearman's ρ",
        "-1 to 1",
        "mean over channels of the rank correlation of x and y in time",
        ("forecasts", "fields"),
        higher_is_better=True,
        worst=math.nan,
        function="panda.evaluation.metrics.spearman",
    ),
    "valid_time": Metric(
        "valid time",
        "Lyapunov times",
        "time until the mean over channels of (x - y)^2 passes the threshold",
        ("forecasts",),
        higher_is_better=True,
        worst=0.0,
    ),
    "rmse": Metric("RMSE", "context s.d.", "sqrt(mean((x - y)^2))", ("completions",)),
    "pearson": Metric(
        "Pearson's r",
        "-1 to 1",
        "mean over channels of the correlation of x and y",
        ("completions",),
        higher_is_better=True,
        worst=math.nan,
        headline=True,
    ),
}


def metrics_of(what: str, *, headline: bool = False) -> tuple[str, ...]:
    """The names of the metrics of `forecasts`, `fields` or `completions`, in order: all, or those that are shown."""
    return tuple(
        name for name, metric in METRICS.items() if what in metric.of and (metric.headline or not headline)
    )


def metric_label(name: str) -> str:
    """The name of a metric as a reader sees it."""
    return METRICS[name].label if name in METRICS else name
