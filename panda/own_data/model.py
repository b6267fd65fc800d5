"""A model as one asks it in Python: arrays or tables in, the same kind out, times continued."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from panda.config.own_data import own_data
from panda.core.errors import PandaError
from panda.evaluation.forecaster import Forecaster
from panda.own_data.read import channel_names
from panda.own_data.regular import Fill, Regular, regular
from panda.own_data.rows import rows_of
from panda.own_data.series import OwnSeries, check_known, series_of
from panda.own_data.units import units_of

if TYPE_CHECKING:
    from panda.model.panda import Panda

_TABLE = "the table"


class Model:
    """A forecaster of one's own series.

    `context_length` is the number of points that it sees at most, the last ones; `patch_length` the number that it
    needs at least. It takes whole patches: of 500 points with a patch of 16, the last 496.
    """

    def __init__(
        self,
        forecaster: Forecaster,
        *,
        context_length: int,
        patch_length: int,
        source: Mapping[str, str | None] | None = None,
        network: Panda | None = None,
    ) -> None:
        """`source` says for the record where the model is from: `model`, `revision`, `sha256`; `network` is what is
        saved."""
        self.network = network
        self.name = forecaster.name
        self.forecaster = forecaster
        self.source = dict(source or {})
        self.context_length, self.patch_length = context_length, patch_length

    def __repr__(self) -> str:
        return f"<panda model {self.name}: contexts of {self.patch_length} to {self.context_length} points>"

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        revision: str | None = None,
        sha256: str | None = None,
        device: str = "auto",
    ) -> Model:
        """`panda.load` by the name that the ecosystem has for it.

        Raises:
            PandaError: as `panda.load`; of a Hub id, revision and SHA-256 are needed here too.
        """
        from panda.own_data.load import load

        return load(pretrained_model_name_or_path, revision=revision, sha256=sha256, device=device)

    def save_pretrained(
        self,
        save_directory: str | Path,
        *,
        repo_id: str | None = None,
        push_to_hub: bool = False,
        **pushed: Any,
    ) -> str | None:
        """Write weights, shape and card to a folder; see `panda.own_data.hub.save_pretrained`."""
        from panda.own_data.hub import save_pretrained

        return save_pretrained(self, save_directory, repo_id=repo_id, push=push_to_hub, **pushed)

    def push_to_hub(self, repo_id: str, **pushed: Any) -> str:
        """Upload weights, shape and card to the Hub; see `panda.own_data.hub.push_to_hub`."""
        from panda.own_data.hub import push_to_hub

        return push_to_hub(self, repo_id, **pushed)

    def predict(
        self,
        series: Any,
        horizon: int,
        *,
        time: Hashable | None = None,
        columns: Sequence[Hashable] | None = None,
        fill: Fill | None = None,
        context_length: int | None = None,
    ) -> Any:
        """The `horizon` steps after a series, or after each of several; in its own units, float64.

        Args:
            series: numbers (time,), (time, channel) or (batch, time, channel), in an array or whatever numpy takes for
                one; a pandas `Series`; a `DataFrame` whose columns are channels; or a list of these, of any lengths and
                numbers of channels, which is forecast in batches.
            horizon: steps to forecast.
            time: the column of a table that holds the times; found if not given (see `series_of`).
            columns: the channels of a table; all its other columns if not given.
            fill: how gaps are filled, `linear` or `previous`; refused if not given.
            context_length: use this many of the last points, if the model sees as many.

        Returns:
            An array (horizon,), (horizon, channel) or (batch, horizon, channel); a `Series`; a `DataFrame` with the
            same columns, in which the times go on; or a list of these.

        Raises:
            PandaError: gaps, or irregular times (with the row); no numbers; fewer points than a patch; a horizon below 1;
                more channels than are attended to at once; a length of context that there is not.
        """
        many = _batch(series)
        one_by_one = [series] if many is None else many
        taken = [
            self.take(_series(one, time, columns), fill=fill, context_length=context_length)
            for one in one_by_one
        ]
        forecasts = self.forecast([one.values for one in taken], horizon)
        shaped = [_like(*parts) for parts in zip(one_by_one, taken, forecasts, strict=True)]
        if many is None:
            return shaped[0]
        return shaped if isinstance(series, (list, tuple)) else np.stack(shaped)

    def predict_df(
        self,
        df: pd.DataFrame,
        prediction_length: int,
        *,
        id_column: str = "item_id",
        timestamp_column: str = "timestamp",
        target: str | Sequence[str] = "target",
        fill: Fill | None = None,
        context_length: int | None = None,
    ) -> pd.DataFrame:
        """Forecasts of many series in one long table, as `predict_df` of chronos-forecasting gives them.

        A row of `df` is a time of a series: `id_column` (left out, all rows are one series), `timestamp_column`, and
        the columns `target`, which are the channels of a series together. Rows may come in any order; other columns
        count for nothing.

        Returns:
            A row per series, target and time: `id_column`, `timestamp_column`, `target_name`, `predictions`.

        Raises:
            PandaError: a column that is not there; else as `predict`, with the name of the series.
        """
        targets = [target] if isinstance(target, str) else list(target)
        has_ids = id_column in df.columns
        asked = [timestamp_column, *targets, *([id_column] if has_ids or id_column != "item_id" else [])]
        check_known(df, rows_of(_TABLE, len(df)), asked)
        groups = list(df.groupby(id_column, sort=False, dropna=False)) if has_ids else [(None, df)]
        taken = []
        for name, group in groups:
            rows = rows_of(f"series {name!r}" if has_ids else _TABLE, len(group))
            ordered = group.sort_values(timestamp_column, kind="stable")
            found = series_of(ordered, rows, time=timestamp_column, columns=targets)
            taken.append(self.take(found, fill=fill, context_length=context_length))
        forecasts = self.forecast([one.values for one in taken], prediction_length)
        tables = [
            pd.DataFrame(
                {
                    **({id_column: name} if has_ids else {}),
                    timestamp_column: one.continued(prediction_length),
                    "target_name": channel,
                    "predictions": values,
                }
            )
            for (name, _), one, forecast in zip(groups, taken, forecasts, strict=True)
            for channel, values in zip(targets, forecast.T, strict=True)
        ]
        return pd.concat(tables, ignore_index=True)

    def take(
        self, series: OwnSeries, *, fill: Fill | None = None, context_length: int | None = None
    ) -> Regular:
        """The context of a series: its last points, complete and evenly spaced, in whole patches.

        Raises:
            PandaError: as `predict`.
        """
        most = self.most_points(context_length)
        self.check(series)
        context = regular(series, most, piece=self.patch_length, fill=fill)
        if len(context) == 0:
            wide = series.values.shape[1] > len(series)
            hint = "; is the table transposed? A row is a time" if wide else ""
            raise PandaError(
                f"{series.rows.where}: {len(series)} points, fewer than a patch of {self.patch_length}, the least that "
                f"{self.name} sees; give more{hint}"
            )
        return context

    def check(self, series: OwnSeries) -> None:
        """Refuse a series with more channels than are attended to at once.

        Raises:
            PandaError: it has more than `max_channels`.
        """
        most, n_channels = own_data().max_channels, series.values.shape[1]
        if n_channels > most:
            raise PandaError(
                f"{series.rows.where}: {n_channels} channels, and {self.name} attends over all at once, {most} at most; "
                "choose some (--columns; in Python columns=...)"
            )

    def most_points(self, context_length: int | None) -> int:
        """The number of points of a context, at most.

        Raises:
            PandaError: `context_length` is less than a patch, or more than the model sees.
        """
        if context_length is None:
            return self.context_length
        if not self.patch_length <= context_length <= self.context_length:
            raise PandaError(
                f"a context of {context_length} points: {self.name} takes {self.patch_length} (a patch) to "
                f"{self.context_length}"
            )
        return context_length

    def forecast(
        self, contexts: Sequence[Float[np.ndarray, "time channel"]], horizon: int
    ) -> list[Float[np.ndarray, "horizon channel"]]:
        """The `horizon` steps after each context; contexts of one shape go through the model together.

        Raises:
            PandaError: a horizon below 1, or a forecast that is not finite.
        """
        if isinstance(horizon, bool) or not isinstance(horizon, (int, np.integer)) or horizon < 1:
            raise PandaError(f"a horizon of {horizon!r} steps; give a whole number, 1 or more")
        groups: dict[tuple[int, ...], list[int]] = {}
        for i, context in enumerate(contexts):
            groups.setdefault(context.shape, []).append(i)
        found: dict[int, np.ndarray] = {}
        for members in groups.values():
            units = [units_of(contexts[i]) for i in members]
            batch = np.stack([unit.apply(contexts[i]) for unit, i in zip(units, members, strict=True)])
            forecast = self.forecaster.forecast(batch, int(horizon))
            found |= {i: units[place].undo(forecast[place]) for place, i in enumerate(members)}
        if not all(np.isfinite(forecast).all() for forecast in found.values()):
            raise PandaError(f"{self.name}: the forecast runs away to infinity; take a shorter horizon")
        return [found[i] for i in range(len(contexts))]


def _batch(series: Any) -> Sequence[Any] | None:
    """The series of a batch; None: it is one."""
    if isinstance(series, (list, tuple)):
        return None if not series or np.ndim(series[0]) == 0 else series
    if isinstance(series, (pd.DataFrame, pd.Series)):
        return None
    array = np.asarray(series)
    return list(array) if array.ndim == 3 and len(array) else None


def _series(one: Any, time: Hashable | None, columns: Sequence[Hashable] | None) -> OwnSeries:
    """One series as such, whatever it is kept in."""
    if isinstance(one, pd.DataFrame):
        return series_of(one, rows_of(_TABLE, len(one)), time=time, columns=columns)
    if time is not None or columns is not None:
        raise PandaError(
            "only a DataFrame has columns to choose from; give one, or leave time and columns out"
        )
    frame = one.to_frame() if isinstance(one, pd.Series) else _as_table(one)
    return series_of(frame, rows_of("the series", len(frame)), columns=list(frame.columns))


def _as_table(one: Any) -> pd.DataFrame:
    array = np.asarray(one)
    if array.ndim not in (1, 2) or array.dtype.kind not in "biufO" or array.size == 0:
        raise PandaError(
            f"the series is an array of {array.dtype} and shape {array.shape}; give numbers (time,), (time, channel) or "
            "(batch, time, channel)"
        )
    table = array.reshape(len(array), -1)
    return pd.DataFrame(table, columns=channel_names(table.shape[1]))


def _like(one: Any, taken: Regular, forecast: Float[np.ndarray, "horizon channel"]) -> Any:
    """A forecast in the form of the series that it continues."""
    if isinstance(one, pd.DataFrame):
        return forecast_table(one, taken, forecast)
    if isinstance(one, pd.Series):
        return forecast_table(one.to_frame(), taken, forecast).iloc[:, 0].rename(one.name)
    return forecast if np.ndim(one) == 2 else forecast[:, 0]


def forecast_table(
    frame: pd.DataFrame, taken: Regular, forecast: Float[np.ndarray, "horizon channel"]
) -> pd.DataFrame:
    """A forecast as a table with the columns of the one that it continues: those that were used, in their order.

    The time goes on in its column or in the index; an index that counts goes on counting.
    """
    n, series = len(forecast), taken.series
    table = pd.DataFrame(forecast, columns=pd.Index(series.channels, dtype=object))
    if series.time_column is not None:
        before = list(frame.columns[: frame.columns.get_loc(series.time_column)])
        place = sum(name in before for name in series.channels)
        table.insert(place, series.time_column, taken.continued(n))
    elif series.times is not None:
        table.index = taken.continued(n)
    if isinstance(frame.index, pd.RangeIndex):
        start, step = frame.index.stop, frame.index.step
        table.index = pd.RangeIndex(start, start + n * step, step, name=frame.index.name)
    return table
