"""Commands of the report stage."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from panda.cli.options import DEFAULT_CONFIG, SOURCE, ConfigFile, Files, Output, load, recorded

if TYPE_CHECKING:
    from panda.config import Config
    from panda.report.html import Source

app = typer.Typer(no_args_is_help=True)
CLAIMS = SOURCE / "paper" / "claims.yaml"
Root = Annotated[Path, typer.Option(help="folder of the run, which names the tables", metavar="DIR")]


@app.command()
def claims(
    tables: Files,
    root: Root,
    output: Output,
    claims: Annotated[Path, typer.Option(help="the paper's claims", metavar="FILE")] = CLAIMS,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Set each of the paper's claims beside the results, with a verdict."""
    from panda.analysis.claims import judge, load_claims
    from panda.cli.figures import read_results
    from panda.core.files import write_table
    from panda.core.known_baselines import knowing

    settings = load(config)
    with (
        recorded("judge_claims", settings, [output], inputs=[*tables, claims]),
        knowing(settings.baselines.own),
    ):
        found, _ = read_results(tables, root)
        write_table(judge(load_claims(claims), found, settings.preset), output)


@app.command()
def where(
    config: ConfigFile = DEFAULT_CONFIG,
    preset: Annotated[str | None, typer.Option(help="overlay presets/NAME.yaml", metavar="NAME")] = None,
) -> None:
    """Print where the figures and the report of a run are."""
    folder = Path("results") / load(config, preset=preset).run_name
    print(f"figures: {folder / 'figures'}/\nreport:  {folder / 'report.html'}")


@app.command()
def costs(
    output: Output,
    benchmarks: Annotated[Path, typer.Option(help="folder of Snakemake's benchmark files", metavar="DIR")],
    root: Root,
    rule: Annotated[
        list[str],
        typer.Option(help="RULE=COMMAND: its CPU time is that of the command's records below --root"),
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Add up what every rule has cost: jobs, wall time, CPU time, memory."""
    from panda.analysis.costs import cost_table, process_times
    from panda.core.files import read_json, write_table
    from panda.core.provenance import SUFFIX

    settings = load(config)
    files = sorted(benchmarks.rglob("*.tsv"))
    records = sorted(root.rglob(f"*{SUFFIX}"))
    commands = {command: name for name, _, command in (each.partition("=") for each in rule)}
    with recorded("list_costs", settings, [output], inputs=files):
        texts = {path.relative_to(benchmarks).as_posix(): path.read_text() for path in files}
        measured = process_times((read_json(path) for path in records), commands)
        write_table(cost_table(texts, measured), output)


@app.command()
def write(
    tables: Files,
    root: Root,
    output: Output,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Write the report: figures, forecasts, claims, costs and provenance on one page."""
    from panda.cli.figures import read_results
    from panda.config.arena import absent, lacking, reported
    from panda.core.files import require, write_text
    from panda.core.known_baselines import knowing
    from panda.figures.registry import choose, read_figures
    from panda.report.html import FigureEntry, build_report, preset_note

    settings = load(config)
    specs = read_figures(SOURCE / "paper" / "figures.yaml")
    entries = []
    with recorded("write_report", settings, [output], inputs=tables), knowing(settings.baselines.own):
        for name in settings.figures:
            spec = choose(specs, name)
            files = [root / "figures" / f"{name}{suffix}" for suffix in (".pdf", ".csv", ".npz")]
            entries.append(
                FigureEntry(
                    id=name,
                    title=spec.title,
                    number=spec.number,
                    category=spec.category,
                    caption=spec.caption,
                    png=require(root / "figures" / f"{name}.png").read_bytes(),
                    links={f.suffix[1:]: f"figures/{f.name}" for f in files if f.is_file()},
                )
            )
        found, _ = read_results(tables, root)
        page = build_report(
            preset=settings.preset,
            preset_note=preset_note(settings.preset),
            figures=entries,
            tables=found,
            provenance=_provenance(settings),
            sources=_sources(tables, root),
            lacking=lacking(settings, reported(settings)),
            absent=absent(settings),
        )
        write_text(output, page)


def _sources(tables: list[Path], root: Path) -> dict[str, Source]:
    """Where each table comes from: its files, its record, the log, and the configuration that went in."""
    import yaml

    from panda.core.provenance import SUFFIX, read_record
    from panda.report.html import Source

    sources = {}
    for path in tables:
        key = path.relative_to(root).with_suffix("").as_posix()
        files = {"CSV": path.with_suffix(".csv"), "Parquet": path}
        section: dict[str, Any] = {}
        # A command that writes several tables leaves one record, beside the first.
        for other in sorted(path.parent.glob(f"*{SUFFIX}")):
            record = read_record(other.with_name(other.name.removesuffix(SUFFIX)))
            if record is not None and path.name in record["outputs"]:
                files["record"] = other
                section = record["section"] if isinstance(record.get("section"), dict) else {}
                break
        files["log"] = root / "logs" / f"{_job_of(f'{key}.parquet')}.log"
        sources[key] = Source(
            links={name: file.relative_to(root).as_posix() for name, file in files.items() if file.is_file()},
            parts=", ".join(section),
            configuration=yaml.safe_dump(
                section, default_flow_style=None, sort_keys=False, allow_unicode=True, width=100
            )
            if section
            else "",
        )
    return sources


def _job_of(output: str) -> str:
    """The step that makes an output, and what its wildcards stand for: `summarise_scores/test`; empty if none does."""
    from panda.config.steps import STEPS

    for name, step in STEPS.items():
        for pattern in step.outputs.values():
            match = re.fullmatch(re.sub(r"\\{\w+\\}", "([^/]+)", re.escape(pattern)), output)
            if match:
                return "/".join([name, *match.groups()])
    return ""


def _provenance(settings: Config) -> dict[str, Any]:
    """What made this run: code, configuration, seed, versions, machine."""
    import os
    import platform

    from panda.core.provenance import git_state, hash_of, processor, versions

    return {
        "git": git_state(),
        "preset": settings.preset,
        "run": settings.run_name,
        "seed": settings.seed,
        "config_hash": hash_of(settings.model_dump(mode="json")),
        "versions": versions(),
        "machine": {
            "platform": platform.platform(),
            "processor": processor(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
    }
