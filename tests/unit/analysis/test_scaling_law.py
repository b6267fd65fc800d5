"""The law is recovered from its data at the promised rate, and refused where it is not there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from panda.analysis.scaling_law import ScalingFit, fit, fit_table, least_squares, order_p_value
from panda.core.errors import PandaError

SIZES = 164.0 * 2.0 ** np.arange(8)
USUAL = {"confidence": 0.9, "alpha_max": 4.0, "max_ratio": 5.0, "n_resamples": 300}


def synthetic(
    generator: np.random.Generator,
    *,
    alpha: float = 0.3,
    c0: float = 20.0,
    c1: float = 100.0,
    sizes: np.ndarray = SIZES,
    n_systems: int = 120,
    noise: float = 1.0,
    run_noise: float = 0.0,
) -> np.ndarray:
    """Errors (sizes, systems): the law, a large effect of each system common to all models, and noise."""
    law = (c0 + c1 * sizes**-alpha)[:, None]
    of_system = 10.0 * generator.standard_normal(n_systems)
    own = noise * generator.standard_normal((sizes.size, n_systems))
    return law + of_system + own + run_noise * generator.standard_normal((sizes.size, 1))


def judged(errors: np.ndarray, sizes: np.ndarray = SIZES, seed: int = 0, **changes: float) -> ScalingFit:
    stream = np.random.default_rng(seed)
    return fit(sizes, errors, range(errors.shape[1]), **(USUAL | changes), generator=stream)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.1, 2.0), st.floats(0.0, 50.0), st.floats(5.0, 200.0))
def test_exact_data_give_their_exponent_back(alpha: float, c0: float, c1: float) -> None:
    sizes = 2.0 ** np.arange(8)
    got = least_squares(sizes, (c0 + c1 * sizes**-alpha)[None], alpha_max=4.0)
    np.testing.assert_allclose([got[0][0], got[1][0], got[2][0]], [c0, c1, alpha], rtol=1e-4, atol=1e-3)
    assert got[3][0] < 1e-9 * c1**2


@pytest.mark.parametrize("seed", range(6))
def test_the_fit_is_as_good_as_the_papers_optimiser(seed: int) -> None:
    """`curve_fit` with p0 = 1 and bounds >= 0, as in the paper's code: never better than ours."""
    generator = np.random.default_rng(seed)
    sizes = 2.0 ** np.arange(6)
    means = 5.0 + 30.0 * sizes**-0.7 + generator.standard_normal(6)
    bounds = ([0, 0, 0], [np.inf, np.inf, 4.0])

    def law(n: np.ndarray, c0: float, c1: float, alpha: float) -> np.ndarray:
        return c0 + c1 * n**-alpha

    theirs, _ = curve_fit(law, sizes, means, p0=[1, 1, 1], bounds=bounds)
    c0, c1, alpha, rss = (value[0] for value in least_squares(sizes, means[None], alpha_max=4.0))
    assert rss == pytest.approx(((means - law(sizes, c0, c1, alpha)) ** 2).sum(), rel=1e-9)
    assert rss <= ((means - law(sizes, *theirs)) ** 2).sum() * (1 + 1e-9)
    assert alpha == pytest.approx(theirs[2], rel=0.02)


def test_parameters_stay_within_their_bounds() -> None:
    generator = np.random.default_rng(0)
    means = generator.uniform(1.0, 50.0, size=(200, 8))
    means[:50] = np.sort(means[:50])  # error that rises with size
    c0, c1, alpha, rss = least_squares(SIZES, means, alpha_max=4.0)
    assert (c0 >= 0).all() and (c1 >= 0).all() and (alpha >= 0).all() and (alpha <= 4.0).all()
    assert (rss <= ((means - means.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) * (1 + 1e-9)).all()
    assert (alpha[:50] == 0).all() and (c1[:50] == 0).all()


@pytest.mark.parametrize("run_noise", [0.0, 0.3])
def test_the_interval_holds_the_exponent_at_the_nominal_rate(run_noise: float) -> None:
    """With noise of the systems alone, and with scatter of the models that the draw of systems cannot see."""
    generator = np.random.default_rng(7)
    hits, n = 0, 40
    for _ in range(n):
        law = judged(synthetic(generator, run_noise=run_noise), seed=int(generator.integers(1 << 30)))
        hits += law.alpha_low <= 0.3 <= law.alpha_high
        assert law.verdict == "identifiable", law.reason
    assert hits / n >= 0.75  # 0.9 less three binomial standard errors


def test_scatter_of_the_models_is_estimated() -> None:
    generator = np.random.default_rng(3)
    sizes = np.repeat(SIZES, 6)  # many models, so that the estimate is a good one
    law = judged(synthetic(generator, sizes=sizes, run_noise=0.5), sizes)
    assert law.run_noise == pytest.approx(0.5, rel=0.35)
    quiet = judged(synthetic(generator, sizes=sizes), sizes)
    assert quiet.run_noise < 0.1
    assert law.alpha_high - law.alpha_low > 1.5 * (quiet.alpha_high - quiet.alpha_low)


def test_flat_data_are_not_identifiable() -> None:
    generator = np.random.default_rng(11)
    n_wrong = 0
    for _ in range(25):
        law = judged(synthetic(generator, c1=0.0, run_noise=0.2), seed=int(generator.integers(1 << 30)))
        n_wrong += law.verdict == "identifiable"
    assert n_wrong <= 1
    assert "does not matter" in law.reason or "alpha" in law.reason


def test_error_that_rises_is_not_identifiable_and_its_decline_negative() -> None:
    errors = synthetic(np.random.default_rng(1))[::-1]
    law = judged(errors)
    assert law.verdict == "not identifiable"
    assert law.decline_high < 0 and law.p_value > 0.9


def test_three_points_are_not_identifiable_however_clean() -> None:
    law = judged(synthetic(np.random.default_rng(2), sizes=SIZES[:3], noise=1e-3), SIZES[:3])
    assert law.verdict == "not identifiable"
    assert law.reason == "3 sizes; 4 are needed"
    assert np.isnan(law.alpha) and np.isnan(law.alpha_high)
    assert 0 < law.decline_low < law.decline < law.decline_high
    # Many models of three sizes are still three sizes.
    repeated = np.repeat(SIZES[:3], 4)
    assert judged(synthetic(np.random.default_rng(2), sizes=repeated), repeated).n_sizes == 3


def test_a_step_is_not_a_power_law() -> None:
    errors = synthetic(np.random.default_rng(4), c1=0.0, noise=0.1)
    errors[0] += 30.0
    law = judged(errors)
    assert law.verdict == "not identifiable"
    assert "reaches its bound" in law.reason


def test_a_vague_exponent_is_not_identifiable() -> None:
    errors = synthetic(np.random.default_rng(5), noise=1.0)
    assert judged(errors).verdict == "identifiable"
    vague = judged(errors, max_ratio=1.0001)
    assert vague.verdict == "not identifiable" and "factor of" in vague.reason


def test_permutation_test_counts_reorderings() -> None:
    """Four clean sizes: only the true order of 24 fits; a tie counts against the true order."""
    arguments = {"alpha_max": 4.0, "generator": np.random.default_rng(0)}
    clean = np.array([9.0, 5.0, 3.0, 2.0])
    sizes = 2.0 ** np.arange(4)
    assert order_p_value(sizes, clean, n_permutations=24, **arguments) == pytest.approx(1 / 24)
    assert order_p_value(sizes, np.full(4, 3.0), n_permutations=24, **arguments) == 1.0
    drawn = order_p_value(SIZES, 9.0 * SIZES**-0.5, n_permutations=200, **arguments)
    assert drawn == pytest.approx(1 / 200)


def test_systems_without_an_error_are_left_out_for_all_models() -> None:
    errors = synthetic(np.random.default_rng(6))
    with_gap = errors.copy()
    with_gap[3, 5] = np.nan
    law = judged(with_gap)
    assert law.n_systems == 119
    assert law.alpha == judged(np.delete(errors, 5, axis=1)).alpha


def long_table(errors: np.ndarray) -> pd.DataFrame:
    rows = [
        {"model": f"m{k}", "n_systems": int(size), "horizon": h, "system": f"s{i}", "cluster": f"c{i // 2}"}
        | {"error": errors[k, i] + h}
        for h in (64, 128)
        for k, size in enumerate(SIZES)
        for i in range(errors.shape[1])
    ]
    return pd.DataFrame(rows)


def test_table_has_a_row_a_horizon_and_knows_neither_row_order_nor_other_horizons() -> None:
    frame = long_table(synthetic(np.random.default_rng(8), n_systems=20))
    table = fit_table(frame, **USUAL, root_seed=1)
    assert table["horizon"].tolist() == [64, 128]
    assert {"alpha", "alpha_low", "alpha_high", "verdict", "decline", "c0", "c1"} <= set(table.columns)
    assert table["n_clusters"].tolist() == [10, 10]
    shuffled = fit_table(frame.sample(frac=1.0, random_state=0), **USUAL, root_seed=1)
    pd.testing.assert_frame_equal(table, shuffled, check_exact=True)
    alone = fit_table(frame[frame["horizon"] == 128], **USUAL, root_seed=1)
    pd.testing.assert_frame_equal(table.iloc[1:].reset_index(drop=True), alone, check_exact=True)


def test_what_a_user_can_get_wrong_is_said() -> None:
    frame = long_table(synthetic(np.random.default_rng(9), n_systems=4))
    with pytest.raises(PandaError, match="no column 'cluster'"):
        fit_table(frame.drop(columns="cluster"), **USUAL, root_seed=1)
    with pytest.raises(PandaError, match="occurs twice"):
        fit_table(pd.concat([frame, frame.iloc[:1]]), **USUAL, root_seed=1)
    ambiguous = frame.copy()
    ambiguous.loc[0, "n_systems"] = 7
    with pytest.raises(PandaError, match="more than one n_systems"):
        fit_table(ambiguous, **USUAL, root_seed=1)
    with pytest.raises(PandaError, match="shape"):
        judged(np.ones((3, 5)))
    with pytest.raises(PandaError, match="alpha_max"):
        judged(np.ones((8, 5)), alpha_max=0.0)
    with pytest.raises(PandaError, match="no test system"):
        judged(np.full((8, 5), np.nan))
