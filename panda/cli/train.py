"""Commands of the training stage."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from panda.cli.options import DEFAULT_CONFIG, SOURCE, ConfigFile, Files, Output, load, recorded
from panda.config.steps import STEPS, trained

if TYPE_CHECKING:
    from panda.config import Config, NamedModel
    from panda.data.store import TrajectoryStore

app = typer.Typer(no_args_is_help=True)
DataKey = Annotated[
    str,
    typer.Option(
        help="in the state's name, stands for the data, the processor and PyTorch's version: a state then counts on "
        "other machines too, whose results may differ in last bits",
        metavar="NAME",
    ),
]
# Time for a step and a saved state before a batch job's limit.
PAUSE_MARGIN_S = 120.0


@app.command()
def model(
    trajectories: Files,
    name: Annotated[str, typer.Option(help="a model of the configuration", metavar="NAME")],
    output: Annotated[Path, typer.Option(help="folder for weights, shape and log", metavar="DIR")],
    state: Annotated[Path, typer.Option(help="folder of resumable training states", metavar="DIR")],
    encoder: Annotated[str, typer.Option(help="weights of the encoder to start from", metavar="FILE")] = "",
    catalogue: Annotated[str, typer.Option(help="catalogue, for a model of a subset", metavar="FILE")] = "",
    data_key: DataKey = "",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Train one named model; run again, it goes on from its last saved state."""
    from panda.core.files import write_table
    from panda.core.progress import Progress
    from panda.data.store import TrajectoryStore
    from panda.data.windows import TrainingWindows
    from panda.model.weights import load_model, save_model
    from panda.training.hardware import Machine, choose_device
    from panda.training.loop import Saving, train, window_length
    from panda.training.pause import PauseWatch
    from panda.training.ranks import is_follower, joined
    from panda.training.snapshots import write_snapshots

    settings = load(config)
    named = _named(settings, name)
    shape = settings.train.model_shape(named.definition)
    recipe = settings.train.recipes[settings.train.recipe_name(named.definition)]
    source = Path(encoder) if encoder.strip() else None
    inputs = [*trajectories, *([source] if source else [])]
    outputs = [
        output / "model.safetensors",
        output / "config.json",
        output / "log.parquet",
        output / "snapshots.safetensors",
    ]
    own = trained(settings, name)
    device = choose_device(settings.train.device)
    # What another rank does is no result of its own.
    recording = (
        nullcontext({})
        if is_follower()
        else recorded("train_model", settings, outputs, inputs=inputs, content=own)
    )
    with recording as record, joined(settings.train.ranks, device=device.type) as ranks:
        store = _own_part(TrajectoryStore.open(trajectories), named, settings, catalogue)
        windows = TrainingWindows(
            store,
            settings.train.data,
            window_length=window_length(shape, recipe),
            batch_size=settings.train.batch_size,
            founder_probability=settings.train.founder_probability,
            seed=settings.seed,
        )
        with (
            PauseWatch(margin_s=PAUSE_MARGIN_S) as pause,
            Progress(named.n_steps, f"train {name}", "steps") as progress,
        ):
            trained_model = train(
                shape,
                recipe,
                windows,
                encoder=load_model(source.parent) if source else None,
                n_steps=named.n_steps,
                seed=settings.seed,
                machine=Machine(
                    settings.train.device,
                    settings.train.threads,
                    settings.train.precision,
                    settings.train.compile,
                    settings.train.peak_tflops,
                    settings.train.loaders,
                ),
                saving=Saving(
                    state / name,
                    _fingerprint(settings, own, inputs, data_key),
                    settings.train.checkpoint_every,
                    settings.train.log_every,
                    settings.train.n_snapshots,
                    output / "tensorboard" if settings.train.tensorboard else None,
                ),
                ranks=ranks,
                pause=pause,
                progress=progress,
            )
        if not ranks.leads:
            return
        record |= {"device": str(device), "ranks": ranks.n}
        save_model(trained_model.model, output)
        write_table(trained_model.log, outputs[2])
        write_snapshots(trained_model.snapshots, outputs[3])


def _named(settings: Config, name: str) -> NamedModel:
    from panda.core.errors import PandaError

    models = settings.named_models()
    if name not in models:
        raise PandaError(f"train: no model {name!r} in this configuration; known: {', '.join(models)}")
    return models[name]


def _own_part(store: TrajectoryStore, named: NamedModel, settings: Config, catalogue: str) -> TrajectoryStore:
    """All of the store, or the trajectories of a model's nested subset."""
    if named.split is None:
        return store
    from panda.discovery.catalogue.stored import read_catalogue
    from panda.integration.subsets import nested_ranks, rows_of_subset

    ranked = nested_ranks(read_catalogue(catalogue), settings.seed)
    table = store.table
    return store.subset(rows_of_subset(ranked, table["system"], table["initial_condition"], named.split))


def _fingerprint(settings: Config, own: Mapping[str, Any], inputs: list[Path], data_key: str) -> str:
    """What the weights depend on, hashed: the name of the training state's folder."""
    from panda.core.code_version import code_version
    from panda.core.digest import sha256
    from panda.core.provenance import hash_of, processor, versions

    parts: dict[str, Any] = {
        "section": STEPS["train_model"].section(settings) | dict(own),
        "code": code_version(STEPS["train_model"].code, SOURCE),
    }
    if data_key:
        return hash_of(parts | {"data": data_key})
    here = {"torch": versions().get("torch"), "processor": processor()}
    return hash_of(parts | here | {"inputs": [sha256(path) for path in inputs]})


@app.command()
def unfinished(
    name: Annotated[str, typer.Option(help="a model of the configuration", metavar="NAME")],
    state: Annotated[Path, typer.Option(help="folder of resumable training states", metavar="DIR")],
    output: Annotated[Path, typer.Option(help="folder for weights, shape and log", metavar="DIR")],
    data_key: Annotated[str, typer.Option(help="as the training had it", metavar="NAME")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Take weights and log out of the newest state of a training that is not finished, for a look at them."""
    from panda.core.errors import PandaError
    from panda.core.files import write_table
    from panda.model.weights import model_from_state, save_model
    from panda.training.checkpoint import StateFolder
    from panda.training.loop import new_history

    settings = load(config)
    definition = _named(settings, name).definition
    shape, recipe = (
        settings.train.model_shape(definition),
        settings.train.recipes[settings.train.recipe_name(definition)],
    )
    folder = StateFolder(state / name, _fingerprint(settings, trained(settings, name), [], data_key))
    found = folder.load()
    if found is None:
        raise PandaError(f"{folder.path}: no saved state of this training; train {name} first")
    history = new_history(
        shape,
        recipe,
        batch_size=settings.train.batch_size,
        n_channels=settings.train.data.n_channels,
        peak_tflops=settings.train.peak_tflops,
    )
    history.load_state(found.notes["history"])
    save_model(model_from_state(shape, found.weights, where=str(folder.path)), output)
    write_table(history.table(), output / "log.parquet")


@app.command("list")
def list_models(logs: Files, output: Output, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """A table of the trained models: size, steps, final loss, recipe, time."""
    import pandas as pd

    from panda.core.files import read_json, read_table, write_table
    from panda.core.provenance import record_path
    from panda.model.panda import count_parameters
    from panda.model.weights import load_model

    settings = load(config)
    rows = []
    with recorded("list_models", settings, [output], inputs=logs):
        for path in logs:
            folder = path.parent
            named = _named(settings, folder.name)
            last = read_table(path).iloc[-1]
            record = record_path(folder / "model.safetensors")
            rows.append(
                {
                    "model": named.name,
                    "definition": named.definition,
                    "recipe": settings.train.recipe_name(named.definition),
                    "n_parameters": count_parameters(load_model(folder)).total,
                    "n_steps": int(last["step"]),
                    "final_loss": float(last["loss"]),
                    "wall_s": read_json(record)["wall_s"] if record.is_file() else float("nan"),
                }
            )
        write_table(pd.DataFrame(rows), output)


@app.command()
def learning(
    series: Files,
    name: Annotated[str, typer.Option(help="a model of the configuration", metavar="NAME")],
    weights: Annotated[Path, typer.Option(help="its weights", metavar="FILE")],
    snapshots: Annotated[Path, typer.Option(help="its weights kept on the way", metavar="FILE")],
    output: Output,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Measure the learning curve of a model: errors on unseen systems of the weights kept on the way."""
    from panda.cli.forecasters import device_of
    from panda.config.arena import reads_of, rules_of
    from panda.core.files import write_table
    from panda.core.progress import Progress
    from panda.data.series import open_series
    from panda.evaluation.learning import learning_curve
    from panda.evaluation.windows import draw_windows
    from panda.model.weights import load_model
    from panda.training.snapshots import read_snapshots

    settings = load(config)
    _named(settings, name)
    dataset = settings.train.learning_on
    rules = rules_of(settings, dataset)
    inputs = [*series, weights, snapshots]
    with recorded("measure_learning", settings, [output], inputs=inputs, reads=reads_of(dataset)):
        windows = draw_windows(open_series(series, name=dataset), rules, seed=settings.seed)
        kept = read_snapshots(snapshots, load_model(weights.parent))
        with Progress(len(kept), f"learning curve {name}", "models") as progress:
            curve = learning_curve(
                kept,
                windows,
                rules,
                batch_size=settings.train.batch_size,
                threads=settings.train.threads,
                device=device_of(settings),
                progress=progress,
            )
        write_table(curve, output)


@app.command("join-learning")
def join_learning(
    curves: Files,
    output: Output,
    scores: Annotated[
        list[Path], typer.Option(help="scores on the same windows, once a file", metavar="FILE")
    ],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Set the learning curves of all models beside the other forecasters of the same windows."""
    import pandas as pd

    from panda.core.files import read_table, write_table
    from panda.evaluation.learning import beside_others

    settings = load(config)
    with recorded("join_learning", settings, [output], inputs=[*curves, *scores]):
        by_model = {path.parent.name: read_table(path) for path in curves}
        others = pd.concat([read_table(path) for path in scores], ignore_index=True)
        write_table(beside_others(by_model, others), output)
