"""Writes docs/configuration.md and docs/cli.md: `python -m docs.generate`; with `--check` it only compares."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[1]
PRESETS = ("smoke", "laptop")
GENERATED = "<!-- Written by `python -m docs.generate`; a test holds it against its sources. Do not edit. -->"

CONFIGURATION_HEAD = """# Configuration

Every number of the study is defined once, in [`config.yaml`](../config.yaml), at the paper's own scale. There are four
layers, each over the one before:

1. `config.yaml`
2. `presets/<preset>.yaml`, chosen by `preset` (last table below)
3. `--configfile FILE`, a file of your own with the lines you change
4. `--config key=value`, with the keys of the tables below: `--config train.batch_size=64`, several of them one after
   another, the target after `--`. Quote a key that itself contains dots: `'train.definitions."a.b".n_steps=5'`.
   A mapping in YAML does the same: `--config 'train={batch_size: 64}'`

A command of `panda` that reads a configuration has the same layers: `--config FILE` (or `--configfile FILE`), once or
more, each over the one before, and `--set key=value`, once per value. A file with a few lines of your own overlays the
`config.yaml` of the current folder and its preset:

```sh
panda config check --config tests/tiny.yaml --set train.batch_size=64
```

Mappings merge key by key; lists and numbers replace. Unknown keys and values out of range are refused with file and line
(or "command line") and the nearest known key. `panda config check` checks a configuration, and
`panda config show --preset laptop` prints the merged result. Every run keeps its configurations:
`results/<run>/config.yaml` is the newest, `config/<digest>.yaml` beside it are all. Types and ranges: `panda/config/`.
Counts may not exceed a million, nor steps 10¹², so that a typing slip is refused at once.

Names (of runs, models, recipes, forecasters, selections, figures) consist of letters, digits, `.`, `_` and `-`, start
with a letter or a digit, and have at most 100 characters, because they become files and words of a command. The name of
a founder of your own has only letters and digits. A model may not have the name of a baseline, nor of the scaling sweep
(`panda_split0`). `run` may not be `published`, which `results/` keeps for the repository's own. Paths may contain
blanks and anything else that a file system takes.

Tags in the last column: *P* is the paper (arXiv 2505.13755), *ref* its public reference code, *ours* a choice made here.
"""


class Leaf(NamedTuple):
    """One line of config.yaml that holds a value."""

    key: tuple[str, ...]
    value: str
    comment: str


def leaves(text: str) -> list[Leaf]:
    """The values of a configuration file in order, each with the comment on its line.

    A mapping written on one line (`{a: 1, b: 2}`) counts as one value.
    """
    lines = text.splitlines()

    def walk(node: yaml.Node, key: tuple[str, ...]) -> Iterator[Leaf]:
        assert isinstance(node, yaml.MappingNode)
        for name, value in node.value:
            path = (*key, name.value)
            if isinstance(value, yaml.MappingNode) and not value.flow_style:
                yield from walk(value, path)
            else:
                source = text[value.start_mark.index : value.end_mark.index]
                comment = re.search(r"(?:^|\s)# (.*)$", lines[name.start_mark.line])
                found = comment.group(1).strip() if comment else ""
                yield Leaf(path, " ".join(source.split()), found)

    root = yaml.compose(text)
    assert root is not None
    return list(walk(root, ()))


def schema_at(schema: dict[str, Any], key: tuple[str, ...]) -> dict[str, Any]:
    """The JSON schema of the value at a key, references followed."""
    node: dict[str, Any] = schema
    for name in key:
        node = _mapping(schema, node)
        # A mapping with names for keys says what its values are under the pattern of these.
        node = node.get("properties", {}).get(name) or next(iter(node["patternProperties"].values()))
    if "anyOf" in node:
        return {"anyOf": [_followed(schema, kind) for kind in node["anyOf"]]}
    return _followed(schema, node)


def _mapping(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """A section's schema, also where null may stand in its place."""
    kinds = [_followed(schema, kind) for kind in node.get("anyOf", [node])]
    return next(kind for kind in kinds if kind.get("type") == "object")


def _followed(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    return schema["$defs"][node["$ref"].rsplit("/", 1)[-1]] if "$ref" in node else node


def describe(node: dict[str, Any]) -> str:
    """A type and its range in words: `integer ≥ 1`, `list of a, b`, `number in [0, 1]`."""
    if "anyOf" in node:
        return " or ".join(describe(part) for part in node["anyOf"])
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])
    if "prefixItems" in node:
        return f"list of {len(node['prefixItems'])}, each {describe(node['prefixItems'][0])}"
    if node.get("type") == "array":
        return f"list of {describe(node['items'])}"
    if node.get("type") == "object":
        return "mapping"
    names = {"string": "text", "null": "null", "boolean": "true or false"}
    word = names.get(node["type"], node["type"])
    low, high = node.get("minimum"), node.get("maximum")
    if node["type"] == "integer" and high is not None and high >= 1_000_000:
        high = None  # said once for all, in the page's head
    if low is not None and high is not None:
        return f"{word} in [{low:g}, {high:g}]"
    if "exclusiveMinimum" in node and "exclusiveMaximum" in node:
        return f"{word} in ({node['exclusiveMinimum']:g}, {node['exclusiveMaximum']:g})"
    if low is not None:
        return f"{word} ≥ {low:g}"
    return f"{word} > {node['exclusiveMinimum']:g}" if "exclusiveMinimum" in node else word


def configuration() -> str:
    """The page of all configuration keys."""
    from panda.config import Config

    schema = Config.model_json_schema()
    entries = leaves((ROOT / "config.yaml").read_text(encoding="utf-8"))
    parts, section = [f"{GENERATED}\n\n{CONFIGURATION_HEAD}"], None
    for leaf in entries:
        heading = leaf.key[0] if len(leaf.key) > 1 else "top level"
        if heading != section:
            section = heading
            parts.append(f"\n## {section}\n\n| key | value | type | meaning |\n|---|---|---|---|\n")
        kind = describe(schema_at(schema, leaf.key))
        parts.append(_row(f"`{'.'.join(leaf.key)}`", f"`{leaf.value}`", kind, leaf.comment))
    return "".join(parts) + _preset_table()


def _preset_table() -> str:
    presets = {
        name: {
            leaf.key: leaf.value
            for leaf in leaves((ROOT / "presets" / f"{name}.yaml").read_text(encoding="utf-8"))
        }
        for name in PRESETS
    }
    keys = list(dict.fromkeys(key for preset in presets.values() for key in preset))
    lines = [
        "\n## What the presets change\n\n`paper` changes nothing: it is `config.yaml` itself. "
        "An empty cell keeps the value.\n\n",
        _row("key", *(f"`{name}`" for name in PRESETS)),
        "|---" * (1 + len(PRESETS)) + "|\n",
    ]
    for key in keys:
        if key != ("preset",):
            values = [presets[name].get(key, "") for name in PRESETS]
            lines.append(_row(f"`{'.'.join(key)}`", *(f"`{value}`" if value else "" for value in values)))
    return "".join(lines)


def command_line() -> str:
    """The page of all commands."""
    import typer.main

    from panda.cli import app

    root = typer.main.get_command(app)
    parts = [f"{GENERATED}\n\n# Command line\n\n{root.help}\n\n"]
    parts.append(
        "`panda` and `python -m panda` are the same program. Every command takes its inputs and outputs as paths and\n"
        "writes nothing else, except a provenance record beside its first output. `--version` prints the version.\n"
        "Exit codes: 0 done; 1 a user error (one line says which); 2 a call that does not parse (a missing or unknown\n"
        "option); 75 training paused on purpose, to be run again.\n"
    )
    for group_name, group in root.commands.items():  # type: ignore[attr-defined]
        if not hasattr(group, "commands"):
            parts.append(_command(f"panda {group_name}", group, heading="##"))
            continue
        parts.append(f"\n## panda {group_name}\n\n{group.help}\n")
        for name, command in group.commands.items():
            parts.append(_command(f"panda {group_name} {name}", command))
    return "".join(parts)


def _command(words: str, command: Any, *, heading: str = "###") -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    usage = [words, *(["[OPTIONS]"] if options else []), *(a.metavar or a.name.upper() for a in arguments)]
    text = f"\n{heading} {words}\n\n{command.help}\n\n    {' '.join(usage)}\n"
    if command.params:
        text += "\n| parameter | default | meaning |\n|---|---|---|\n"
    for parameter in (*arguments, *options):
        is_option = parameter.param_type_name == "option"
        name = parameter.opts[0] if is_option else (parameter.metavar or parameter.name.upper())
        if is_option and parameter.metavar:
            name += f" {parameter.metavar}"
        default = "required" if parameter.required else _default(parameter.default)
        text += _row(f"`{name}`", default, parameter.help or "")
    return text


def _default(value: Any) -> str:
    if value in (None, "", [], ()):
        return ""
    if isinstance(value, list):
        return ", ".join(map(_default, value))
    inside = isinstance(value, Path) and value.is_relative_to(ROOT)
    return f"`{value.relative_to(ROOT).as_posix()}`" if inside else f"`{value}`"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def baselines() -> str:
    """The page beside the baselines: its text as it stands, with a row for what each file says of itself."""
    from panda.core.baseline_files import described_here, read_baselines

    page = (ROOT / "baselines" / "README.md").read_text(encoding="utf-8")
    rows = ""
    for name, one in described_here().items():
        settings = f"`{one.file.stem}`" if read_baselines(one.file).settings else "none"
        cells = (one.idea, one.channels, one.learns_from, one.weights, settings, one.licence, one.source)
        rows += _row(f"`{name}`", *cells)
    return re.sub(r"(?<=\|---\|\n)(?:\|.*\n)+", lambda _: rows, page, count=1)


PAGES = {"configuration.md": configuration, "cli.md": command_line, "../baselines/README.md": baselines}


def main() -> int:
    """Write the pages, or with `--check` say which are out of date (exit code 1)."""
    old = []
    for name, page in PAGES.items():
        path, text = ROOT / "docs" / name, page()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            old.append(name)
            if "--check" not in sys.argv[1:]:
                path.write_text(text, encoding="utf-8")
    if old and "--check" in sys.argv[1:]:
        print(f"out of date: {', '.join(old)}; run `python -m docs.generate`")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
