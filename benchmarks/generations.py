"""Are models better that were trained on bred systems? `python -m benchmarks.generations results/laptop results/evolved`.

Two runs that differ in `discover.search.generations` only (docs/discovery.md has the commands): every forecaster of the
second beside itself in the first, on the founders that neither has trained on, paired by name (Wilcoxon's signed-rank
test, Holm's correction over horizons). Forecasters that learn nothing from the training set are the control: what differs
between their scores is the choice of perturbations that are tested.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from panda.core.files import read_table
from panda.evaluation.significance import wilcoxon_table

HORIZONS, METRICS = (64, 128, 256, 512), ("mae", "smape")


def generations_table(one: pd.DataFrame, several: pd.DataFrame) -> pd.DataFrame:
    """One row per (forecaster, metric, horizon): medians over founders in both runs, and the paired test.

    Args:
        one, several: tables `evaluate/test/by_system` of the two runs.

    Returns:
        forecaster, metric, horizon, n_pairs, median_one, median_several, rank_biserial (positive: the first run
        has the larger error), p_value, p_holm.
    """
    both = pd.concat([one.assign(run="one"), several.assign(run="several")], ignore_index=True)
    chosen = both[(both["population"] == "founder") & both["horizon"].isin(HORIZONS)]
    scores = chosen.melt(
        id_vars=["run", "forecaster", "name", "horizon"], value_vars=METRICS, var_name="metric"
    ).rename(columns={"forecaster": "model", "run": "forecaster"})
    family = ("model", "metric")
    tests = wilcoxon_table(
        scores, reference="one", value="value", unit="name", family=family, within=("horizon",)
    )
    keys = ["model", "metric", "horizon"]
    paired = scores.pivot_table(index=[*keys, "name"], columns="forecaster", values="value").dropna()
    medians = paired.groupby(keys).median().add_prefix("median_").reset_index()
    table = tests.drop(columns="forecaster").merge(medians, on=keys, validate="one_to_one")
    table = table.rename(columns={"model": "forecaster"})
    names = ["forecaster", "metric", "horizon", "n_pairs", "median_one", "median_several"]
    return table[[*names, "rank_biserial", "p_value", "p_holm"]]


def main() -> None:
    """Print the table, and write it where it is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("one", type=Path, help="folder of the run with one generation")
    parser.add_argument("several", type=Path, help="folder of the run with several")
    parser.add_argument("--output", type=Path, help="CSV to write")
    arguments = parser.parse_args()
    runs = (arguments.one, arguments.several)
    table = generations_table(*(read_table(run / "evaluate" / "by_system.parquet") for run in runs))
    print(table.to_string(index=False, float_format=lambda value: f"{value:.3g}"))
    if arguments.output:
        table.to_csv(arguments.output, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
