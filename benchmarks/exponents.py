"""Our Lyapunov spectra beside dysts' published numbers and the literature: `python -m benchmarks.exponents <founders>`.

Every founder is measured at its published parameters as the pipeline measures accepted systems
(`discover.spectrum` of the configuration). Prints two tables in Markdown, for docs/exponents.md.
The founders' folder is built if it is not there.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from panda.config import Config
from panda.config.load import load_config
from panda.core.errors import PandaError
from panda.discovery.candidates import member_generator
from panda.discovery.spectra import member_spectra
from panda.dynamics.integrate import Status
from panda.dynamics.spectrum import Summary, summarise
from panda.systems.library import FounderLibrary, build_library
from panda.systems.skew import founder_ensemble


@dataclass(frozen=True)
class Literature:
    """A published spectrum: parameters that differ from dysts', exponents per time unit, and where they stand."""

    founder: str
    parameters: dict[str, float]
    exponents: tuple[float, ...]
    kaplan_yorke: float


# Sprott, "Chaos and Time-Series Analysis", Oxford 2003, appendix A.
LITERATURE = (
    Literature("Lorenz", {"beta": 8 / 3}, (0.9056, 0.0, -14.5723), 2.062),
    Literature("Rossler", {}, (0.0714, 0.0, -5.3943), 2.013),
)


def measured(
    library: FounderLibrary, name: str, parameters: dict[str, float], config: Config
) -> tuple[Status, Summary | None]:
    """The spectrum of a founder at its published parameters but for those given."""
    flow = library.flow(name)
    founder = flow.driver
    values = dict(zip(founder.parameter_names, founder.parameters, strict=False)) if parameters else {}
    flat = np.array(list((values | parameters).values())) if parameters else founder.parameters
    ensemble = founder_ensemble(flow, flat[None], founder.initial_condition[None])
    settings, limits = config.discover.spectrum, config.discover.search.integration
    stream = member_generator(config.seed, flow.name, "spectrum")
    ((status, blocks, _),) = member_spectra(flow, ensemble, settings, limits, stream)
    return status, summarise(blocks, flow.driver_dimension) if len(blocks) else None


def published(name: str) -> tuple[float, Sequence[float], float]:
    """dysts' largest exponent, spectrum and Kaplan-Yorke dimension; NaN and nothing where it has none."""
    from dysts import flows

    system = getattr(flows, name)()
    values = [getattr(system, key, None) for key in ("maximum_lyapunov_estimated", "kaplan_yorke_dimension")]
    largest, dimension = (float("nan") if value is None else float(value) for value in values)
    return largest, getattr(system, "lyapunov_spectrum_estimated", None) or (), dimension


def literature_table(library: FounderLibrary, config: Config) -> list[str]:
    """Ours beside the literature's, with the sum where it is known exactly."""
    lines = [
        "| system | exponents, ours | literature | Kaplan-Yorke, ours | literature |",
        "|---|---|---|---|---|",
    ]
    for known in LITERATURE:
        _, found = measured(library, known.founder, known.parameters, config)
        assert found is not None
        theirs = ", ".join(f"{value:.4f}" for value in known.exponents)
        dimension = with_error(found.kaplan_yorke, found.kaplan_yorke_error)
        lines.append(
            f"| {known.founder} | {listed(found)} | {theirs} | {dimension} | {known.kaplan_yorke:.3f} |"
        )
    return lines


def founder_row(library: FounderLibrary, name: str, config: Config) -> tuple[str, bool]:
    """A founder's line, and whether dysts' largest exponent is off by more than 3 standard errors and a quarter."""
    status, found = measured(library, name, {}, config)
    largest, spectrum, dimension = published(name)
    theirs = f"{largest:.3g} | {spectrum[0]:.3g}" if len(spectrum) else f"{largest:.3g} | "
    if found is None:
        return f"| {name} | {status.name} | | {theirs} | {dimension:.2f} | |", False
    ours, error = found.exponents[0], found.errors[0]
    off = abs(largest - ours) > max(3 * error, 0.25 * abs(ours))
    note = "differs" if off else ""
    return (
        f"| {name} | {with_error(ours, error)} | {with_error(found.kaplan_yorke, found.kaplan_yorke_error)} "
        f"| {theirs} | {dimension:.2f} | {note} |",
        off,
    )


def listed(found: Summary) -> str:
    """Exponents with their standard errors."""
    return ", ".join(
        with_error(value, error) for value, error in zip(found.exponents, found.errors, strict=True)
    )


def with_error(value: float, error: float) -> str:
    """Value and standard error to the error's second digit."""
    if not np.isfinite(error) or error <= 0:
        return f"{value:.4g}"
    digits = int(np.clip(1 - np.floor(np.log10(error)), 0, 6))
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
    print("\n".join(literature_table(library, config)), end="\n\n", flush=True)
    print("| founder | λ₁, ours | D, ours | dysts, largest | dysts, spectrum | dysts, D | |")
    print("|---|---|---|---|---|---|---|")
    n_off = 0
    for name in library.names:
        row, off = founder_row(library, name, config)
        print(row, flush=True)
        n_off += off
    print(f"\nfounders={len(library.names)} largest_exponent_differs={n_off}")


if __name__ == "__main__":
    main()
