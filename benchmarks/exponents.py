"""Our Lyapunov spectra beside dysts' published numbers and the literature: `python -m benchmarks.exponents <founders>`.

Every founder without delay is measured at its published parameters and initial state as the pipeline measures accepted
systems (`discover.spectrum` of the configuration); a few known systems over a longer time. Prints two tables
in Markdown, those of docs/exponents.md. The founders' folder is built if it is not there.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from panda.config import Config
from panda.config.load import load_config
from panda.core.errors import PandaError
from panda.core.limits import Limits
from panda.discovery.certificates.spectra import LOST, member_spectra
from panda.discovery.search.candidates import member_generator
from panda.dynamics.integrate import Status
from panda.dynamics.schedule import Schedule
from panda.dynamics.spectrum import Summary, summarise
from panda.dynamics.tangent import largest_exponent
from panda.systems.flow import Ensemble, Flow
from panda.systems.library import FounderLibrary, build_library
from panda.systems.skew import founder_ensemble


@dataclass(frozen=True)
class Known:
    """A system whose spectrum is known: what differs from dysts' founder, exponents per time unit, dimension."""

    label: str
    founder: str
    parameters: dict[str, float]
    initial: tuple[float, ...] | None
    exponents: str
    kaplan_yorke: str


def _henon_heiles(energy: float, y: float) -> tuple[float, ...]:
    """(x, y, p_x, p_y) with x = p_y = 0 at an energy: H = p^2 / 2 + (x^2 + y^2) / 2 + x^2 y - y^3 / 3."""
    return 0.0, y, float(np.sqrt(2 * energy - y**2 + 2 * y**3 / 3)), 0.0


# Values: Sprott, "Chaos and Time-Series Analysis", Oxford 2003, appendix A; Henon-Heiles at E = 1/8, from this start:
# Skokos, Bountis and Antonopoulos, Physica D 231, 2007, quoted unchecked. A Hamiltonian flow has pairs of opposite
# exponents, of which the energy makes one pair zero, and keeps volume. SprottMore jumps with sign(z): its value is that
# of a Runge-Kutta method with bisected crossings and saltation matrices that shares no code with ours.
KNOWN = (
    Known("Lorenz, β = 8/3", "Lorenz", {"beta": 8 / 3}, None, "0.9056, 0, -14.5723", "2.0621"),
    Known("Rossler", "Rossler", {}, None, "0.0714, 0, -5.3943", "2.0132"),
    Known(
        "Henon-Heiles, E = 1/8", "HenonHeiles", {}, _henon_heiles(1 / 8, -0.25), "0.047, 0, 0, -0.047", "4"
    ),
    Known("Henon-Heiles, E = 1/6", "HenonHeiles", {}, _henon_heiles(1 / 6, -0.1), "λ, 0, 0, -λ", "4"),
    Known("Henon-Heiles, dysts' own start", "HenonHeiles", {}, None, "λ, 0, 0, -λ", "4"),
    Known("SprottMore", "SprottMore", {}, None, "0.226, 0, -", ""),
)
LONGER = 20  # times the configured length, for the systems above
N_NEIGHBOURS, NEIGHBOURS_TIME = 8, 200_000.0  # starts a millionth apart, and how long they are followed
SIGMAS, SHARE = 3.0, 0.25  # dysts' number differs if it is off by more than both


def measured(
    flow: Flow, ensemble: Ensemble, config: Config, *, longer: int = 1
) -> tuple[Status, Summary | None]:
    """The spectrum of one member, as the pipeline has it, over `longer` times the configured periods."""
    settings, limits = config.discover.spectrum, config.discover.search.integration.limits
    changes = {name: longer * getattr(settings, name) for name in ("n_periods", "max_steps")}
    stream = member_generator(config.seed, flow.name, "spectrum")
    ((status, blocks, _),) = member_spectra(
        flow, ensemble, settings.model_copy(update=changes), limits, stream
    )
    return status, summarise(blocks, flow.driver_dimension) if len(blocks) else None


def founder_member(flow: Flow, known: Known | None = None) -> Ensemble:
    """The founder as dysts publishes it, or with what a known system changes."""
    founder = flow.driver
    parameters, initial = np.array(founder.parameters), founder.initial_condition
    if known is not None:
        for name, value in known.parameters.items():
            parameters[founder.parameter_names.index(name)] = value
        initial = initial if known.initial is None else np.array(known.initial)
    return founder_ensemble(flow, parameters[None], initial[None])


def published(name: str) -> tuple[float, float, float]:
    """dysts' largest exponent, the first of its spectrum, and its Kaplan-Yorke dimension; NaN where it has none."""
    from dysts import flows

    system = getattr(flows, name)()
    spectrum = getattr(system, "lyapunov_spectrum_estimated", None) or [None]
    values = (
        getattr(system, "maximum_lyapunov_estimated", None),
        spectrum[0],
        getattr(system, "kaplan_yorke_dimension", None),
    )
    largest, first, dimension = (float("nan") if value is None else float(value) for value in values)
    return largest, first, dimension


def known_row(library: FounderLibrary, known: Known, config: Config) -> str:
    """Ours beside what is known."""
    flow = library.flow(known.founder)
    status, found = measured(flow, founder_member(flow, known), config, longer=LONGER)
    if found is None:
        raise PandaError(f"{known.label}: no block was completed ({status.name})")
    ours = ", ".join(map(with_error, found.exponents, found.errors))
    dimension = with_error(found.kaplan_yorke, found.kaplan_yorke_error)
    return f"| {known.label} | {ours} | {known.exponents} | {dimension} | {known.kaplan_yorke} |"


def henon_heiles_neighbours(library: FounderLibrary, duration: float) -> Float64[np.ndarray, " neighbour"]:
    """The largest exponents of neighbours in the chaotic sea at E = 1/8: orbits stick to islands for long."""
    flow = library.flow("HenonHeiles")
    starts = np.array([_henon_heiles(1 / 8, -0.25 + 1e-6 * i) for i in range(N_NEIGHBOURS)])
    found = largest_exponent(
        flow,
        founder_ensemble(flow, np.tile(flow.driver.parameters, (N_NEIGHBOURS, 1)), starts),
        subspace="whole",
        schedule=Schedule(np.full(N_NEIGHBOURS, duration), np.full(N_NEIGHBOURS, 1000.0), 40),
        generator=np.random.default_rng(0),
        limits=Limits(
            rtol=1e-9, atol=1e-10, max_steps=100_000_000, max_abs=1e4, max_angle=1e8, min_step=1e-10
        ),
    )
    return found.largest


def founder_row(library: FounderLibrary, name: str, config: Config) -> tuple[str, np.ndarray]:
    """A founder's line, and which of dysts' two largest exponents differ from ours."""
    flow = library.flow(name)
    status, found = measured(flow, founder_member(flow), config)
    theirs = published(name)
    # A tangent vector that got lost at a jump leaves no exponent.
    if found is None or status in LOST:
        return f"| {name} | {status.name} | | {_cells(theirs)} | |", np.zeros(2, dtype=bool)
    ours, error = found.exponents[0], found.errors[0]
    off = np.abs(np.array(theirs[:2]) - ours) > max(SIGMAS * error, SHARE * abs(ours))
    note = ["", "largest", "spectrum", "both"][off[0] + 2 * off[1]]
    dimension = with_error(found.kaplan_yorke, found.kaplan_yorke_error)
    return f"| {name} | {with_error(ours, error)} | {dimension} | {_cells(theirs)} | {note} |", off


def _cells(numbers: tuple[float, ...]) -> str:
    return " | ".join("" if np.isnan(number) else f"{number:.3g}" for number in numbers)


def with_error(value: float, error: float) -> str:
    """Value and standard error to the error's second digit; the value alone where its error is of rounding."""
    if not np.isfinite(error) or error <= 1e-6 * abs(value):
        return f"{value:.6g}"
    if error < 1e-5:
        return f"{value:.2g} ± {error:.2g}" if abs(value) < 1 else f"{value:.6f} ± {error:.1g}"
    digits = max(0, int(1 - np.floor(np.log10(error))))
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def main() -> None:
    """Print the tables, then how many of dysts' exponents differ."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("founders", type=Path, help="folder of the compiled founders")
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="configuration")
    arguments = parser.parse_args()
    config = load_config(arguments.config)
    try:
        library = FounderLibrary.open(arguments.founders)
    except PandaError:
        build_library(arguments.founders)
        library = FounderLibrary.open(arguments.founders)
    print("| system | exponents, ours | known | Kaplan-Yorke, ours | known |\n|---|---|---|---|---|")
    for known in KNOWN:
        print(known_row(library, known, config), flush=True)
    near = henon_heiles_neighbours(library, NEIGHBOURS_TIME)
    mean = with_error(near.mean(), near.std(ddof=1) / np.sqrt(len(near)))
    print(
        f"\nHenon-Heiles, E = 1/8, {len(near)} neighbours: {near.min():.4f} to {near.max():.4f}, mean {mean}"
    )
    print("\n| founder | λ₁, ours | D, ours | dysts: λ₁ | first of spectrum | D | differs |")
    print("|---|---|---|---|---|---|---|")
    n_off = np.zeros(2, dtype=int)
    names = [name for name in library.names if library[name].delay_index is None]
    for name in names:
        row, off = founder_row(library, name, config)
        print(row, flush=True)
        n_off += off
    print(f"\nfounders={len(names)} largest_differs={n_off[0]} spectrum_differs={n_off[1]}")


if __name__ == "__main__":
    main()
