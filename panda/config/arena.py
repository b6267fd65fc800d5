"""The arena: which forecasters meet which data set, on what windows, and which of them one table of scores holds."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from panda.config.baselines import WEIGHTS
from panda.config.evaluate import EQUATION as EQUATION
from panda.config.evaluate import FIELDS, UNSEEN, DataSet, Evaluate
from panda.config.measured import measured
from panda.config.whole import Config
from panda.core.baseline_files import described_here, read_baselines
from panda.core.errors import PandaError, did_you_mean
from panda.core.importing import missing_package
from panda.core.known_baselines import describe_all
from panda.core.names import LONG, SPLITS

# Measured series that come with installed packages, and the figure of them.
MEASURED, MEASURED_FIGURE = tuple(measured()), "measured"
# Series that the study makes or takes itself, by name; any other `series` of a data set is a path.
SOURCES = (*SPLITS, LONG, FIELDS, *MEASURED)
# Of files with series of the user's own.
SUFFIXES = (".arrow", ".npz")
# What a data set may say otherwise than `evaluate` does, and what of it no result depends on.
OWN = tuple(name for name in DataSet.model_fields if name not in ("series", "forecasters", "in_report"))
_WITHOUT_EFFECT = ("batch_size",)
# Where one job scores all forecasters of a data set, its table has this name, which no forecaster may have.
TOGETHER = "_all"


def check_dataset(config: Config, dataset: str) -> None:
    """Refuse a data set that the configuration has not.

    Raises:
        PandaError: there is no such data set; the nearest is named.
    """
    known = sorted(config.evaluate.datasets)
    if dataset not in known:
        raise PandaError(
            f"no data set {dataset!r}{did_you_mean(dataset, known)}; there are: {', '.join(known)}"
        )


def rules_of(config: Config, dataset: str) -> Evaluate:
    """`evaluate` as it holds for one data set: its own windows, horizons and context replace the common ones.

    Raises:
        PandaError: there is no such data set; the nearest is named.
    """
    check_dataset(config, dataset)
    own = config.evaluate.datasets[dataset]
    given = {name: value for name in OWN if (value := getattr(own, name)) is not None}
    return config.evaluate.model_copy(update=given)


def reads_of(dataset: str) -> tuple[str, ...]:
    """The keys of a data set that its forecasts and scores depend on."""
    return tuple(f"evaluate.datasets.{dataset}.{name}" for name in OWN if name not in _WITHOUT_EFFECT)


def summary_reads_of(dataset: str) -> tuple[str, ...]:
    """The keys of a data set that the summary of its scores depends on."""
    return tuple(f"evaluate.datasets.{dataset}.{name}" for name in ("series", "forecasters"))


def reported(config: Config) -> tuple[str, ...]:
    """The data sets whose summaries the report shows: those that say so (`in_report`).

    The unseen systems always are among them. Of those that do not say, the equation and the measured series are if
    their figure is drawn, and the user's own series are; the other splits and the long trajectories are not. A measured
    series that is not on this machine never is.
    """

    def shown(name: str, own: DataSet) -> bool:
        if name in away:
            return False
        if name == UNSEEN or own.in_report is not None:
            return name == UNSEEN or bool(own.in_report)
        if own.series in MEASURED:
            return MEASURED_FIGURE in config.figures
        return name in config.figures if name == EQUATION else own.series not in SOURCES

    away = absent(config)
    return tuple(name for name, own in config.evaluate.datasets.items() if shown(name, own))


def of_measured(config: Config) -> tuple[str, ...]:
    """The data sets of measured series that are on this machine."""
    away = absent(config)
    return tuple(
        name for name, own in config.evaluate.datasets.items() if own.series in MEASURED and name not in away
    )


def absent(config: Config) -> dict[str, str]:
    """The data sets whose measured series is not on this machine, each with what is missing."""
    lacks = {
        name: measured()[own.series].lacks
        for name, own in config.evaluate.datasets.items()
        if own.series in MEASURED
    }
    return {name: missing for name, missing in lacks.items() if missing}


def contestants(config: Config, dataset: str) -> tuple[str, ...]:
    """The forecasters of a data set: its own list or that of `evaluate`, without those that `lacking` names."""
    return tuple(name for name in _asked(config, dataset) if not _lacks(config, name))


def _lacks(config: Config, name: str) -> str:
    """What a forecaster needs and this machine or the configuration lacks, in a few words; empty if nothing.

    Models of `pretrained` need weights, and so do baselines with settings of that kind, where these are not null;
    `weights` of a baseline that is not trained here may not be null. One that is `optional` needs packages as well.
    """
    if name in config.train.models:
        return ""
    if name in config.pretrained:
        return config.pretrained[name].lacks
    one = described_here().get(name) or describe_all(config.baselines.own).get(name)
    if one is None:
        return ""
    own = config.baselines.of(one.file.stem, str(one.file))
    for key, kind in read_baselines(one.file).settings.items():
        weights = getattr(own, key, None) if kind == WEIGHTS else None
        if weights is not None and weights.lacks:
            return weights.lacks
        if weights is None and key == WEIGHTS.lower() and not one.trained:
            return "no weights are named"
    return missing_package(one.file, extra=one.extra) if one.optional else ""


def lacking(config: Config, datasets: Iterable[str] | None = None) -> dict[str, str]:
    """Forecasters that are asked for but not at hand (weights, packages), each with what is missing.

    Asked for on those data sets, or, without them, by any key of the configuration.
    """
    keys = config.forecasters().values() if datasets is None else (_asked(config, name) for name in datasets)
    asked = {name for names in keys for name in names}
    return {name: lacks for name in sorted(asked) if (lacks := _lacks(config, name))}


def _asked(config: Config, dataset: str) -> tuple[str, ...]:
    common, own = config.evaluate.forecasters, config.evaluate.datasets[dataset].forecasters
    return common if own is None else own


def forecasters_key(config: Config, dataset: str) -> str:
    """The key of the configuration that lists the forecasters of a data set."""
    own = config.evaluate.datasets[dataset].forecasters
    return "evaluate.forecasters" if own is None else f"evaluate.datasets.{dataset}.forecasters"


def scored_in(config: Config, dataset: str, name: str) -> tuple[str, ...]:
    """The forecasters that the table of scores `name` of a data set holds: one, or all that are asked for."""
    if name != TOGETHER:
        return (name,)
    sweep = config.scaling_forecasters() if dataset == UNSEEN and config.scaling.enabled else []
    return tuple(dict.fromkeys((*contestants(config, dataset), *sweep)))


def series_files(path: str | Path) -> list[Path]:
    """The files of a data set of the user's own: a file itself, or those of a folder, sorted.

    Raises:
        PandaError: there is no such file or folder, it has another suffix, or the folder holds none of ours.
    """
    path = Path(path)
    found = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES) if path.is_dir() else [path]
    if not found or not all(file.is_file() and file.suffix in SUFFIXES for file in found):
        raise PandaError(f"{path}: no series here; give a file .npz or .arrow, or a folder that holds some")
    return found


def made_of(config: Config, dataset: str) -> tuple[str, ...]:
    """The ends of the names of a data set's files: all tables of its scores must be made from the same files."""
    source = config.evaluate.datasets[dataset].series
    if source in SOURCES:
        if source in MEASURED:
            return (f"{source}.npz",)
        return ("fields.npz",) if source == FIELDS else (".arrow",)
    return tuple(map(str, series_files(source)))


def check_series(config: Config) -> None:
    """Refuse data sets whose own files are not there.

    Raises:
        PandaError: one has none; it is named.
    """
    for name, own in config.evaluate.datasets.items():
        if own.series not in SOURCES:
            try:
                series_files(own.series)
            except PandaError as error:
                raise PandaError(f"evaluate.datasets.{name}.series: {error}") from None


def tables_of(config: Config, dataset: str, forecasters: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """The tables of scores that hold these forecasters: one together, or one each."""
    together = scored_in(config, dataset, TOGETHER)
    if config.evaluate.together and set(forecasters) <= set(together):
        return (TOGETHER,)
    return tuple(forecasters)
