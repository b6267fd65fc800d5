"""Keys of the configuration that several steps read, and code that they share, by what they are for."""

from __future__ import annotations

from panda.core.metrics import METRICS

# Read by steps, and without effect on what they write: memory, speed, and how often a state is saved.
WITHOUT_EFFECT = ("evaluate.batch_size", "train.checkpoint_every")

# Read to find out what a name means: a model's is what `trained` says, in the section by content; a baseline's is none.
BY_NAME = (
    "train.models",
    "train.definitions",
    "train.recipe",
    "train.recipes",
    "train.shape",
    "scaling.definitions",
    "scaling.n_points",
    "scaling.steps_fraction",
    "pretrained",
)

LIMITS = "discover.search.integration"
# Compiled founders are opened by what made them: the user's own by their files and by how their period was measured.
MEASURED = tuple(
    f"discover.founders.{key}"
    for key in (
        "own",
        "reference_points",
        "reference_periods",
        "reference_transient",
        "reference_rtol",
        "reference_atol",
        "period_rounds",
        "period_windows",
    )
)
OPENED = (*MEASURED, LIMITS)
NAMES = ("discover.founders.names", "discover.founders.own")
HELD_OUT = tuple(f"discover.founders.{key}" for key in ("held_out", "held_out_families", "validation"))
SEARCHED = ("seed", "discover.founders.names", *MEASURED, "discover.search")
# What any selection would ask for, whichever decides and however systems split.
FILTERS = tuple(
    f"discover.select.{key}"
    for key in (
        "selections",
        "max_abs",
        "max_zscore",
        "max_linear_share",
        "fixed_point_step",
        "rest_step",
        "zero_one_min_score",
        "recurrence_min_share",
        "recurrence_min_counts",
        "recurrence_min_block",
        "periodic_distance",
        "min_spectral_peaks",
        "stationarity_p",
        "exponent_min_sigmas",
        "exponent_min_power",
        "driven_min_share",
        "well_sampled_min_points",
    )
)
ACCEPTED = (*FILTERS, "discover.select.selection", "discover.select.own_enter")
# Parents of one child are of one split.
BRED = (*SEARCHED, *HELD_OUT, "discover.evolve", *ACCEPTED)
# Whom `persistent` lets pass is followed once more.
FOLLOW = ("seed", "discover.follow", "discover.select.max_growth", *FILTERS, *OPENED)
WINDOWS = tuple(
    f"evaluate.{key}" for key in ("n_windows", "max_trajectories", "start", "context_length", "horizons")
)
SCORED_BY = tuple(f"evaluate.{key}" for key in ("standardise_eps", "smape_eps", "valid_time_threshold"))
# Metrics name the functions that compute them.
METRIC_CODE = tuple(
    dict.fromkeys(metric.function.rpartition(".")[0] for metric in METRICS.values() if metric.function)
)
# Of a model that forecasts: how it is given its contexts.
MODEL_READS = ("evaluate.contexts", "evaluate.standardise_eps", "train.device", "train.threads")
MODEL_CODE = ("panda.evaluation.panda_forecaster",)
