"""Commands that check the certificates of discovery on samples; they join those of `panda discover`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from panda.cli.discover import Catalogue
from panda.cli.options import (
    DEFAULT_CONFIG,
    DEFAULT_LIBRARY,
    ConfigFile,
    Files,
    Library,
    Output,
    Shard,
    check_shard,
    load,
    recorded,
)

app = typer.Typer(no_args_is_help=True)


@app.command()
def audit(
    output: Output,
    catalogue: Catalogue,
    shard: Shard,
    config: ConfigFile = DEFAULT_CONFIG,
    library: Library = DEFAULT_LIBRARY,
) -> None:
    """Follow one shard of a sample of every verdict for much longer: were the verdicts right?"""
    from panda.core.files import write_table
    from panda.core.progress import Progress
    from panda.discovery.catalogue.stored import read_catalogue
    from panda.discovery.certificates import audit as stage
    from panda.discovery.own.founders import open_library
    from panda.systems.members import shard_of_flows

    settings = load(config)
    discover = settings.discover
    check_shard(shard, discover.audit.n_shards, "discover.audit.n_shards")
    chosen = stage.audited_systems(
        read_catalogue(catalogue, stage.READ), discover.audit.n_systems, settings.seed
    )
    own = shard_of_flows(chosen, shard, discover.audit.n_shards)
    with (
        recorded("audit_certificates", settings, [output], inputs=[catalogue]),
        Progress(len(own), f"audit shard {shard}", "systems") as progress,
    ):
        opened, limits = open_library(library, discover), discover.search.integration.limits
        table = stage.audit(opened, own, discover.audit, discover.follow, limits, settings.seed, progress)
        write_table(table, output)


@app.command()
def join_audit(
    shards: Files,
    output: Output,
    catalogue: Catalogue,
    summary: Annotated[Path, typer.Option(help="table of shares and rates to write", metavar="FILE")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Join the shards of `discover audit`, and say how often the verdicts are wrong."""
    from panda.core.files import read_table, write_table
    from panda.core.provenance import check_one_run
    from panda.discovery.catalogue.shards import check_systems
    from panda.discovery.catalogue.stored import read_catalogue
    from panda.discovery.certificates.audit import COLUMNS, READ, audited_systems
    from panda.discovery.certificates.audit_summary import join, lines, summarise

    settings = load(config)
    wanted, follow = settings.discover.audit, settings.discover.follow
    with recorded("summarise_audit", settings, [output, summary], inputs=[catalogue, *shards]):
        check_one_run(shards, made_from=[catalogue])
        table = join([read_table(path, COLUMNS) for path in shards])
        chosen = audited_systems(read_catalogue(catalogue, READ), wanted.n_systems, settings.seed)
        check_systems(table, chosen, wanted.n_shards, what="audit", key="discover.audit.n_shards")
        found = summarise(table, wanted, follow)
        write_table(table, output)
        write_table(found, summary)
    print("\n".join(lines(table, found)))
