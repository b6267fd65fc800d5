"""Windows depend on the seed and the system, and on nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from panda.config import Evaluate
from panda.core.errors import PandaError
from panda.data.store import TrajectoryStore
from panda.evaluation.windows import choose_examples, choose_trajectories, draw_windows


def starts(windows) -> dict[tuple[str, int], int]:
    return {(row.system, row.window): row.start for row in windows.plan.itertuples()}


def test_order_and_files_of_the_store_change_nothing(store, reversed_store, settings: Evaluate) -> None:
    forth, back = (draw_windows(s, settings, seed=1) for s in (store, reversed_store))
    assert starts(forth) == starts(back)
    columns = [c for c in forth.plan.columns if c != "trajectory"]
    assert forth.plan[columns].equals(back.plan[columns])


def test_batch_size_changes_nothing(store, settings: Evaluate) -> None:
    windows = draw_windows(store, settings, seed=1)
    for size in (1, 7, 1000):
        seen = {}
        for batch in windows.batches(size):
            assert len(batch.rows) <= size
            assert batch.context.shape[2] == batch.rows["dimension"].iloc[0]
            for row, context, truth in zip(batch.rows.itertuples(), batch.context, batch.truth, strict=True):
                whole = store.series(row.trajectory)[:, row.start : row.start + 128 + 96].T
                assert np.array_equal(np.concatenate([context, truth]), whole)
                seen[row.system, row.window] = row.start
        assert seen == starts(windows)


def test_the_choice_of_trajectories_moves_no_window(store, settings: Evaluate) -> None:
    everything = starts(draw_windows(store, settings, seed=1))
    some = starts(draw_windows(store, settings.model_copy(update={"max_trajectories": 7}), seed=1))
    assert len(some) == 14
    assert some.items() <= everything.items()


def test_fewer_windows_are_the_first_of_more(store, settings: Evaluate) -> None:
    more = starts(draw_windows(store, settings.model_copy(update={"n_windows": 5}), seed=1))
    assert starts(draw_windows(store, settings, seed=1)).items() <= more.items()


def test_another_seed_gives_other_windows(store, settings: Evaluate) -> None:
    assert starts(draw_windows(store, settings, seed=1)) != starts(draw_windows(store, settings, seed=2))


def test_trajectories_are_spread_over_names_founders_first(store) -> None:
    table = store.table
    two = table.iloc[choose_trajectories(table, 2, seed=3)]
    assert sorted(two["system"]) == ["Lorenz-pp0", "Rossler-pp0"]
    six = table.iloc[choose_trajectories(table, 6, seed=3)]
    assert sorted(six["name"]) == ["A_B", "B_A", "C_D", "D_C", "Lorenz", "Rossler"]
    assert sorted(choose_trajectories(table, 100, seed=3)) == list(range(len(table)))


def test_examples_are_distinct_names_of_both_populations(store, settings: Evaluate) -> None:
    windows = draw_windows(store, settings, seed=1)
    chosen = windows.plan.loc[choose_examples(windows, 4, seed=1)]
    assert chosen["name"].nunique() == 4
    assert set(chosen["population"]) == {"founder", "skew"}
    assert (chosen["window"] == 0).all()


def test_short_trajectories_and_empty_stores_are_refused(store, settings: Evaluate) -> None:
    with pytest.raises(PandaError, match="400 points"):
        draw_windows(store, settings.model_copy(update={"context_length": 320}), seed=1)
    empty = TrajectoryStore(store.table.head(0).assign(crc32=[]), [], [])
    with pytest.raises(PandaError, match="no series to evaluate on"):
        draw_windows(empty, settings, seed=1)
