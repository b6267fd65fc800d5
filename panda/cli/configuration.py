"""Commands that check, show and describe the configuration."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from panda.cli.options import DEFAULT_CONFIG, ConfigFile, load

app = typer.Typer(no_args_is_help=True)
Preset = Annotated[str | None, typer.Option(help="overlay presets/NAME.yaml", metavar="NAME")]


@app.command()
def check(config: ConfigFile = DEFAULT_CONFIG, preset: Preset = None) -> None:
    """Check a configuration; say where it is wrong."""
    from panda.config.arena import lacking
    from panda.core.importing import import_ours

    registry = import_ours("baselines.registry")
    found = load(config, preset=preset, baselines=registry.names())
    wanted = {*chain(*found.forecasters().values())} - set(lacking(found))
    registry.check(wanted, found.baselines)
    print(f"{config}: fine (preset {found.preset}, results in results/{found.run_name})")


@app.command()
def show(config: ConfigFile = DEFAULT_CONFIG, preset: Preset = None) -> None:
    """Print the configuration with its preset and further layers applied, as YAML."""
    import yaml

    print(yaml.safe_dump(load(config, preset=preset).model_dump(mode="json"), sort_keys=False), end="")


@app.command()
def schema(output: Annotated[Path | None, typer.Option(help="file to write; else printed")] = None) -> None:
    """The JSON schema of the configuration, for editors."""
    from panda.config import Config
    from panda.core.files import write_text

    text = json.dumps(Config.model_json_schema(), indent=1, sort_keys=True) + "\n"
    if output is None:
        print(text, end="")
    else:
        write_text(output, text)


@app.command()
def cost(config: ConfigFile = DEFAULT_CONFIG, preset: Preset = None) -> None:
    """Estimate CPU-hours, GPU-hours and disk before a run starts."""
    from panda.config.estimate import estimate_lines

    for line in estimate_lines(load(config, preset=preset)):
        print(line)
