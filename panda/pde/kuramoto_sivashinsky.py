"""The Kuramoto-Sivashinsky equation on a periodic domain, pseudo-spectral in space, DOP853 in time.

    u_t = -u u_x - u_xx - u_xxxx,        u(x + L, t) = u(x, t).

Coefficients are physical amplitudes: u(x) = sum_n c_n exp(i k_n x) over n = -M..M with c_{-n} = conj(c_n) and
k_n = 2 pi n / L. The state holds modes 1..M; the mean (n = 0, conserved) and the Nyquist mode (n = M + 1) are
pinned to zero. In these amplitudes the equation reads

    dc_n/dt = (k_n^2 - k_n^4) c_n - (i k_n / 2) (u^2)_n,

with (u^2)_n the amplitude of mode n of the pointwise square on N = 2 (M + 1) points, not dealiased. Written
with numpy's default transforms, whose inverse divides by N, the last term is (i k / 2) N rfft(irfft(c)^2):
that is where the factor N of the paper's code comes from (facts, section 7.1).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Complex, Float
from scipy import fft
from scipy.integrate import solve_ivp

from panda.config import PDE
from panda.core.errors import PandaError
from panda.core.progress import Progress
from panda.core.seeds import generator

# Measured after 20 time units: where the highest eighth of the modes holds 0.02% of the largest amplitude (L = 100, 64
# modes) the field is wrong by 1e-3, at 0.5% (L = 200, 96 modes) by 0.02, at 0.8% by 0.1, at 8% by its own size.
_HIGHEST_SHARE = 0.005
# Modes per unit of length that surely do: those of the paper, up to the wavenumber 4.
_ENOUGH = 0.64
_REALS = " n_reals"  # 2 * n_modes: real and imaginary part of each mode in turn


def simulate(
    *,
    domain_length: float,
    n_modes: int,
    n_grid: int,
    duration: float,
    n_points: int,
    initial_scale: float,
    rtol: float,
    atol: float,
    generator: np.random.Generator,
) -> Float[np.ndarray, "n_points n_grid"]:
    """One run from random coefficients: the field u(x_j, t_i), time in rows, space in columns.

    The real and the imaginary part of each of the `n_modes` coefficients start as `initial_scale` * N(0, 1);
    x_j = j L / n_grid, t_i = i duration / (n_points - 1). Each run is integrated alone, so that it does not
    depend on how many there are. Paper: L = 100, 64 modes, 128 grid points, duration 100, 4096 points, scale
    0.1, rtol = atol = 1e-8, 40 runs (facts, section 7.1).

    Raises:
        PandaError: an argument is out of range, the solution blew up, or there are too few modes for it.
    """
    initial = initial_scale * generator.standard_normal((n_modes, 2))
    coefficients = evolve(
        np.ascontiguousarray(initial).view(np.complex128)[:, 0],
        domain_length=domain_length,
        duration=duration,
        n_points=n_points,
        rtol=rtol,
        atol=atol,
    )
    return to_grid(coefficients, n_grid=n_grid)


def simulate_runs(
    settings: PDE, seed: int, progress: Progress | None = None
) -> dict[str, Float[np.ndarray, ...]]:
    """`fields` of every run (run, time, grid point), float32, `dt` between two times, and `exponents`, the largest one of
    each run; each has its own stream.

    Raises:
        PandaError: as `simulate`.
    """
    fields, exponents = [], []
    for run in range(settings.n_runs):
        field = simulate(
            domain_length=settings.domain_length,
            n_modes=settings.n_modes,
            n_grid=settings.n_grid,
            duration=settings.duration,
            n_points=settings.n_points,
            initial_scale=settings.initial_scale,
            rtol=settings.rtol,
            atol=settings.atol,
            generator=generator(seed, "pde", run),
        )
        fields.append(field.astype(np.float32))
        exponent = largest_exponent(
            domain_length=settings.domain_length,
            n_modes=settings.n_modes,
            duration=settings.duration,
            initial_scale=settings.initial_scale,
            generator=generator(seed, "pde", run),
        )
        exponents.append(exponent)
        if progress is not None:
            progress.advance()
    dt = np.array(settings.duration / (settings.n_points - 1))
    return {"fields": np.stack(fields), "dt": dt, "exponents": np.array(exponents)}


def evolve(
    initial: Complex[np.ndarray, " n_modes"],
    *,
    domain_length: float,
    duration: float,
    n_points: int,
    rtol: float,
    atol: float,
) -> Complex[np.ndarray, "n_points n_modes"]:
    """Amplitudes of modes 1..n_modes at `n_points` equidistant times from 0 to `duration`, both included.

    The error norm of the solver runs over the 2 * n_modes real parts, as in the paper's code.

    Raises:
        PandaError: an argument is out of range, the solution blew up, or the modes are too few for it: in the second half
            of the run the highest eighth of them holds more than 0.5% of the largest amplitude.
    """
    _check(domain_length=domain_length, duration=duration, rtol=rtol, atol=atol)
    if n_points < 2 or initial.ndim != 1 or initial.size < 1:
        raise PandaError(
            f"Kuramoto-Sivashinsky: {n_points} points and coefficients of shape {initial.shape}; "
            "at least 2 points and one vector of at least 1 mode are needed"
        )
    solution = solve_ivp(
        tendency(domain_length=domain_length, n_modes=initial.size),
        (0.0, duration),
        np.ascontiguousarray(initial, dtype=np.complex128).view(np.float64),
        method="DOP853",
        t_eval=np.linspace(0.0, duration, n_points),
        rtol=rtol,
        atol=atol,
    )
    if not solution.success or not np.isfinite(solution.y).all():
        raise PandaError(
            f"Kuramoto-Sivashinsky (L = {domain_length:g}, {initial.size} modes): the integration stopped at "
            f"t = {solution.t[-1] if solution.t.size else 0.0:g} ({solution.message}); use more modes or a "
            "smaller initial scale"
        )
    run = np.ascontiguousarray(solution.y.T).view(np.complex128)
    _check_resolution(run, domain_length=domain_length, rtol=rtol, atol=atol)
    return run


def largest_exponent(
    *,
    domain_length: float,
    n_modes: int,
    duration: float,
    initial_scale: float,
    generator: np.random.Generator,
) -> float:
    """The largest Lyapunov exponent of the run that `simulate` makes of this generator, per unit of time.

    Growth of a tangent vector v, dv_n/dt = (k_n^2 - k_n^4) v_n - i k_n (u v)_n, over the last three quarters of the run,
    when the start is forgotten and v has turned into the fastest direction. Lawson's Runge-Kutta method of fourth order
    takes the linear part exactly, in steps of at most 0.2 / k_M: its trajectory leaves that of `simulate`, as any other
    does within some Lyapunov times, and has the same exponent.
    """
    initial = np.ascontiguousarray(initial_scale * generator.standard_normal((n_modes, 2)))
    tangent = np.ascontiguousarray(generator.standard_normal((n_modes, 2)))
    state = np.stack([initial.view(np.complex128)[:, 0], tangent.view(np.complex128)[:, 0]])
    wavenumber = 2 * np.pi * np.arange(1, n_modes + 1) / domain_length
    n_steps = 4 * int(np.ceil(duration * wavenumber[-1] / 0.2 / 4))
    step = duration / n_steps
    half = np.exp((wavenumber**2 - wavenumber**4) * step / 2)
    advection = np.stack([-0.5j * wavenumber, -1j * wavenumber])
    spectrum = np.zeros((2, n_modes + 2), dtype=np.complex128)

    def advect(values: Complex[np.ndarray, "2 n_modes"]) -> Complex[np.ndarray, "2 n_modes"]:
        spectrum[:, 1:-1] = values
        u, v = fft.irfft(spectrum, 2 * (n_modes + 1), norm="forward")
        return advection * fft.rfft(np.stack([u * u, u * v]), norm="forward")[:, 1:-1]

    growth = 0.0
    for done in range(n_steps):
        one = advect(state)
        two = advect(half * (state + step / 2 * one))
        three = advect(half * state + step / 2 * two)
        four = advect(half * (half * state + step * three))
        state = half * (half * (state + step / 6 * one) + step / 3 * (two + three)) + step / 6 * four
        size = np.linalg.norm(state[1])
        state[1] /= size
        if done >= n_steps // 4:
            growth += np.log(size)
    return float(growth / (0.75 * duration))


def _check_resolution(
    run: Complex[np.ndarray, "n_points n_modes"], *, domain_length: float, rtol: float, atol: float
) -> None:
    """Refuse a run whose highest modes are not small: what they should pass on is folded back into the others.

    Of root mean squares over the second half of the run, when the start is forgotten; amplitudes near the solver's
    tolerance say nothing.

    Raises:
        PandaError: they are not.
    """
    n_modes = run.shape[1]
    size = np.sqrt((np.abs(run[len(run) // 2 :]) ** 2).mean(axis=0))
    highest = size[-max(1, n_modes // 8) :].max()
    noise = 100 * (atol + rtol * size.max())  # of decaying modes, whose steps stability limits
    if highest <= max(_HIGHEST_SHARE * size.max(), noise):
        return
    raise PandaError(
        f"Kuramoto-Sivashinsky (L = {domain_length:g}, {n_modes} modes): the highest modes hold "
        f"{highest / size.max():.1%} of the largest amplitude, and {_HIGHEST_SHARE:.1%} is the most for a resolved one; "
        f"use more modes (about {max(round(_ENOUGH * domain_length), 2 * n_modes)})"
    )


def tendency(
    *, domain_length: float, n_modes: int
) -> Callable[[float, Float[np.ndarray, _REALS]], Float[np.ndarray, _REALS]]:
    """The right-hand side f(t, y) of the module's equation; y holds Re c_1, Im c_1, Re c_2, ... ."""
    wavenumber = 2 * np.pi * np.arange(1, n_modes + 1) / domain_length
    growth = wavenumber**2 - wavenumber**4
    advection = -0.5j * wavenumber
    n_collocation = 2 * (n_modes + 1)
    spectrum = np.zeros(n_modes + 2, dtype=np.complex128)  # its first and last entries stay zero

    def evaluate(_time: float, state: Float[np.ndarray, _REALS]) -> Float[np.ndarray, _REALS]:
        amplitude = state.view(np.complex128)
        spectrum[1:-1] = amplitude
        u = fft.irfft(spectrum, n_collocation, norm="forward")
        square = fft.rfft(u * u, norm="forward")[1:-1]
        return (growth * amplitude + advection * square).view(np.float64)

    return evaluate


def to_grid(
    coefficients: Complex[np.ndarray, "*batch n_modes"], *, n_grid: int
) -> Float[np.ndarray, "*batch n_grid"]:
    """The field u(x_j) = 2 Re sum_n c_n exp(i k_n x_j) at x_j = j L / n_grid, exact for n_grid >= 2 n_modes.

    Raises:
        PandaError: the grid cannot carry the highest mode.
    """
    n_modes = coefficients.shape[-1]
    if n_grid < 2 * n_modes:
        raise PandaError(
            f"Kuramoto-Sivashinsky: {n_grid} grid points cannot carry {n_modes} modes; "
            f"use at least {2 * n_modes} points or at most {n_grid // 2} modes"
        )
    spectrum = np.zeros((*coefficients.shape[:-1], n_grid // 2 + 1), dtype=np.complex128)
    spectrum[..., 1 : n_modes + 1] = coefficients
    if n_grid == 2 * n_modes:
        # The highest mode is the grid's Nyquist mode, which an inverse real transform counts once, not twice.
        spectrum[..., -1] *= 2
    return fft.irfft(spectrum, n_grid, norm="forward")


def _check(**positive: float) -> None:
    for name, value in positive.items():
        if not (np.isfinite(value) and value > 0):
            raise PandaError(f"Kuramoto-Sivashinsky: {name} is {value}; it must be positive and finite")
