"""The equation is tested by what it must obey: its linear rates, its symmetries, its balances."""

from __future__ import annotations

import numpy as np
import pytest

from panda.core.errors import PandaError
from panda.pde.kuramoto_sivashinsky import evolve, largest_exponent, simulate, tendency, to_grid

TIGHT = {"rtol": 1e-10, "atol": 1e-12}
SMALL = {"domain_length": 22.0, "duration": 5.0, "n_points": 40}


def random_modes(n_modes: int, scale: float, seed: int = 0) -> np.ndarray:
    pairs = scale * np.random.default_rng(seed).standard_normal((n_modes, 2))
    return pairs[:, 0] + 1j * pairs[:, 1]


def wavenumbers(n_modes: int, domain_length: float) -> np.ndarray:
    return 2 * np.pi * np.arange(1, n_modes + 1) / domain_length


@pytest.mark.parametrize("mode", [1, 2, 3, 5])
def test_small_mode_grows_at_the_linear_rate(mode: int) -> None:
    """A mode far below the nonlinear scale grows as exp((k^2 - k^4) t), damped above k = 1."""
    initial = np.zeros(16, complex)
    initial[mode - 1] = 1e-7 * np.exp(0.4j)
    run = evolve(initial, **SMALL, rtol=1e-10, atol=1e-18)
    k = wavenumbers(16, SMALL["domain_length"])[mode - 1]
    times = np.linspace(0, SMALL["duration"], SMALL["n_points"])
    expected = initial[mode - 1] * np.exp((k**2 - k**4) * times)
    np.testing.assert_allclose(run[:, mode - 1], expected, rtol=1e-6)


def test_tendency_is_the_equation_in_physical_space() -> None:
    """Against -u u_x - u_xx - u_xxxx evaluated on a fine grid: sign, factor 1/2 and the factor N at once."""
    length, n_modes = 10.0, 24
    amplitude = np.zeros(n_modes, complex)
    amplitude[:8] = random_modes(8, 0.3)  # u^2 then has 16 modes: nothing is aliased
    k = wavenumbers(n_modes, length)
    fine = 128
    u, u_x = to_grid(amplitude, n_grid=fine), to_grid(1j * k * amplitude, n_grid=fine)
    u_xx, u_xxxx = to_grid(-(k**2) * amplitude, n_grid=fine), to_grid(k**4 * amplitude, n_grid=fine)
    state = np.ascontiguousarray(amplitude).view(float)
    got = tendency(domain_length=length, n_modes=n_modes)(0.0, state).view(complex)
    np.testing.assert_allclose(to_grid(got, n_grid=fine), -u * u_x - u_xx - u_xxxx, atol=1e-10)


def test_tendency_equals_the_form_with_the_factor_n() -> None:
    """The same right-hand side written with numpy's default transforms, as the facts give it."""
    length, n_modes = 30.0, 12
    n = 2 * (n_modes + 1)
    k = 2 * np.pi * np.arange(n_modes + 2) / length
    amplitude = random_modes(n_modes, 0.2)
    spectrum = np.concatenate([[0], amplitude, [0]])
    expected = (k**2 - k**4) * spectrum - 0.5j * k * n * np.fft.rfft(np.fft.irfft(spectrum, n) ** 2)
    got = tendency(domain_length=length, n_modes=n_modes)(0.0, np.ascontiguousarray(amplitude).view(float))
    np.testing.assert_allclose(got.view(complex), expected[1:-1], rtol=1e-12, atol=1e-14)


def test_more_modes_give_the_same_solution() -> None:
    """Resolution: doubling the modes changes nothing beyond the solver's tolerance."""
    coarse, fine = random_modes(16, 0.05), np.zeros(24, complex)
    coarse *= np.exp(-0.4 * np.arange(16))
    fine[:16] = coarse
    a = to_grid(evolve(coarse, **SMALL, **TIGHT), n_grid=48)
    b = to_grid(evolve(fine, **SMALL, **TIGHT), n_grid=48)
    np.testing.assert_allclose(a, b, atol=1e-7)
    with pytest.raises(PandaError, match=r"highest modes hold \d+\.\d% of the largest amplitude"):
        evolve(coarse[:4], **SMALL, **TIGHT)


def test_looser_tolerance_converges() -> None:
    initial = random_modes(24, 0.1)
    exact = evolve(initial, **SMALL, rtol=1e-12, atol=1e-13)
    errors = [np.abs(evolve(initial, **SMALL, rtol=r, atol=r) - exact).max() for r in (1e-4, 1e-8)]
    assert errors[1] < 1e-5
    assert errors[1] < 1e-2 * errors[0]


def test_translation_equivariance() -> None:
    """Shifting the initial field shifts the solution.

    By any distance while the spectrum is resolved; by whole collocation points (L / 34) even where a flat
    initial spectrum aliases.
    """
    k, length = wavenumbers(16, SMALL["domain_length"]), SMALL["domain_length"]
    smooth = random_modes(16, 0.2) * np.exp(-0.8 * np.arange(16))
    for initial, distance in ((smooth, 3.21), (random_modes(16, 0.2), 5 * length / 34)):
        shift = np.exp(-1j * k * distance)
        moved = evolve(initial * shift, **SMALL, **TIGHT)
        np.testing.assert_allclose(moved, evolve(initial, **SMALL, **TIGHT) * shift, atol=1e-7)


def test_mirror_symmetry() -> None:
    """u(x, t) -> -u(-x, t) maps solutions to solutions: c_n -> -conj(c_n)."""
    initial = random_modes(16, 0.2)
    mirrored = evolve(-initial.conj(), **SMALL, **TIGHT)
    np.testing.assert_allclose(mirrored, -evolve(initial, **SMALL, **TIGHT).conj(), atol=1e-7)


def test_mean_is_conserved_and_energy_balances() -> None:
    """d/dt mean(u^2)/2 = mean(u_x^2) - mean(u_xx^2): advection moves energy, it makes none."""
    n_modes, n_points = 20, 2001
    run = evolve(random_modes(n_modes, 0.1), domain_length=22.0, duration=20.0, n_points=n_points, **TIGHT)
    field = to_grid(run, n_grid=48)
    assert np.abs(field.mean(axis=1)).max() < 1e-12
    k = wavenumbers(n_modes, 22.0)
    energy = (np.abs(run) ** 2).sum(axis=1)  # half of mean(u^2) = 2 sum |c|^2, halved
    np.testing.assert_allclose(energy, 0.5 * (field**2).mean(axis=1), rtol=1e-10)
    source = 2 * ((k**2 - k**4) * np.abs(run) ** 2).sum(axis=1)
    start = 200  # the first transient is too fast for the trapezoidal rule
    time_step = 20.0 / (n_points - 1)
    gained = np.concatenate([[0], np.cumsum(0.5 * (source[start + 1 :] + source[start:-1]) * time_step)])
    np.testing.assert_allclose(energy[start:] - energy[start], gained, atol=2e-4 * energy.max())
    assert np.ptp(energy[start:]) > 0.05 * energy.max()


def test_grid_is_the_trigonometric_sum() -> None:
    """Against the sum itself, on a grid whose Nyquist mode is the highest mode and on finer ones."""
    amplitude = random_modes(6, 1.0)
    for n_grid in (12, 13, 20):
        phase = 2 * np.pi * np.outer(np.arange(1, 7), np.arange(n_grid)) / n_grid
        expected = 2 * np.real(amplitude @ np.exp(1j * phase))
        np.testing.assert_allclose(to_grid(amplitude, n_grid=n_grid), expected, atol=1e-12)
    with pytest.raises(PandaError, match="11 grid points cannot carry 6 modes"):
        to_grid(amplitude, n_grid=11)


def simulated(seed: int, **changes: float) -> np.ndarray:
    arguments = {
        "domain_length": 22.0,
        "n_modes": 14,
        "n_grid": 32,
        "duration": 50.0,
        "n_points": 101,
        "initial_scale": 0.1,
        "rtol": 1e-6,
        "atol": 1e-6,
    } | changes
    return simulate(**arguments, generator=np.random.default_rng(seed))


def test_a_run_is_a_function_of_its_generator() -> None:
    first, again, other = simulated(1), simulated(1), simulated(2)
    assert first.shape == (101, 32)
    assert np.array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_the_attractor_has_its_known_size_and_forgets_the_initial_scale() -> None:
    """On L = 22 the field settles to a standard deviation of order one, whatever it started from."""
    for scale in (0.01, 0.5):
        late = simulated(3, initial_scale=scale)[70:]
        assert 0.8 < late.std() < 2.0
        assert np.abs(late).max() < 4.0


@pytest.mark.parametrize(
    "change", [{"duration": 0.0}, {"domain_length": -1.0}, {"n_points": 1}, {"rtol": np.nan}]
)
def test_arguments_out_of_range_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(PandaError, match="Kuramoto-Sivashinsky"):
        simulated(0, **change)


@pytest.mark.parametrize(("length", "n_modes"), [(200.0, 64), (100.0, 32), (22.0, 6)])
def test_too_few_modes_are_refused_with_how_many_would_do(length: float, n_modes: int) -> None:
    """At L = 200, 64 modes end 4.7 from the solution of 128, whose root mean square is 1.3."""
    with pytest.raises(
        PandaError,
        match=rf"L = {length:g}, {n_modes} modes\).*about {max(round(0.64 * length), 2 * n_modes)}\)",
    ) as error:
        evolve(
            random_modes(n_modes, 0.1), domain_length=length, duration=20.0, n_points=11, rtol=1e-6, atol=1e-8
        )
    assert "\n" not in str(error.value)


def test_the_papers_own_resolution_and_a_field_at_rest_are_enough() -> None:
    evolve(random_modes(64, 0.1), domain_length=100.0, duration=10.0, n_points=11, rtol=1e-6, atol=1e-8)
    # Every mode decays on a domain this short: what is left is the solver's noise, in which no mode is small.
    evolve(random_modes(2, 0.1), domain_length=5.0, duration=40.0, n_points=11, rtol=1e-6, atol=1e-8)


def exponent(length: float, n_modes: int, duration: float, scale: float = 0.1) -> float:
    return largest_exponent(
        domain_length=length,
        n_modes=n_modes,
        duration=duration,
        initial_scale=scale,
        generator=np.random.default_rng(1),
    )


def test_the_exponent_of_a_field_at_rest_is_its_slowest_rate() -> None:
    """Below L = 2 pi all modes decay, the first at k^2 - k^4."""
    k = 2 * np.pi / 5
    assert exponent(5.0, 4, 60.0) == pytest.approx(k**2 - k**4, abs=1e-6)


def test_a_steady_pattern_that_may_stand_anywhere_has_exponent_zero() -> None:
    assert exponent(7.0, 8, 400.0) == pytest.approx(0.0, abs=1e-3)


def test_the_exponent_of_the_chaos_is_the_published_one() -> None:
    """L = 22: 0.048 (Cvitanovic, Davidchack and Siminos 2010), 0.043 (Edson et al. 2019)."""
    assert 0.035 < exponent(22.0, 16, 600.0) < 0.06
