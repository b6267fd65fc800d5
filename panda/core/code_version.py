"""A hash of the code that a rule's results depend on, deaf to comments and docstrings."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from panda.core.errors import PandaError

# These say how results are asked for and shown, not what they are. What they read of the configuration is in a section.
NOT_SCIENCE = (
    "panda.cli",
    "panda.config.command_line",
    "panda.config.costs",
    "panda.config.estimate",
    "panda.config.families",
    "panda.config.founder_names",
    "panda.config.load",
    "panda.config.own_founders",
    "panda.config.pretrained",
    "panda.config.snakemake_call",
    "panda.config.step_keys",
    "panda.config.steps",
    "panda.config.train",
    "panda.config.types",
    "panda.config.whole",
    "panda.core.importing",
    "panda.core.kernel_cache",
    "panda.core.progress",
    "panda.core.provenance",
    "panda.core.code_version",
    "panda.core.reuse",
    "panda.core.workflow_log",
    "panda.core.workflow_plan",
    "panda.core.yaml_file",
)
# Of sections only what they compute counts, not which keys there are and what is refused.
SECTIONS = "panda.config"
PACKAGES = ("panda", "baselines")
# Every module is below it, and no step goes through it: it is where a user's Python comes in.
DOOR = "panda"


def code_version(roots: Sequence[str], source: str | Path) -> str:
    """Twelve hex digits over the syntax trees of `roots` (module names) and all they import of ours, on any Python.

    Imports inside functions count too; comments, docstrings and formatting do not. Of the configuration's sections
    only what they compute counts. `source` is the folder that holds the packages.

    Raises:
        FileNotFoundError: a root is no module of ours.
        PandaError: one of the modules is no Python, with its line.
    """
    source = str(source)
    for root in roots:
        if _file(root, source) is None:
            raise FileNotFoundError(f"code_version: {root} is no module below {source}")
    seen: set[str] = set()
    queue = list(roots)
    while queue:
        module = queue.pop()
        if module in seen or module.startswith(NOT_SCIENCE) or _file(module, source) is None:
            continue
        seen.add(module)
        queue += _parsed(module, source)[1]
    digest = hashlib.sha256()
    for module in sorted(seen):
        digest.update(f"{module}:{_parsed(module, source)[0]}\n".encode())
    return digest.hexdigest()[:12]


@cache
def _file(module: str, source: str) -> Path | None:
    path = Path(source, *module.split("."))
    if path.with_suffix(".py").is_file():
        return path.with_suffix(".py")
    return path / "__init__.py" if (path / "__init__.py").is_file() else None


@cache
def _parsed(module: str, source: str) -> tuple[str, tuple[str, ...]]:
    """Hash of one module's syntax tree, and the names it may import."""
    file = _file(module, source)
    assert file is not None
    try:
        tree = ast.parse(file.read_text(encoding="utf-8-sig"))
    except (SyntaxError, ValueError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
        reason = getattr(error, "msg", None) or error
        raise PandaError(f"{file.relative_to(source)}{line}: not Python ({reason})") from error
    if module == DOOR:
        tree = _constants(tree)
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # `from a.b import c`: c may be a module or a name in a.b
            imported |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    ours = {name for name in imported if name.split(".")[0] in PACKAGES}
    parents = {name.rsplit(".", 1)[0] for name in ours if "." in name}
    if module.startswith(SECTIONS):
        tree = _computed(tree)
    return _hash(tree), tuple(sorted(ours | parents))


def _constants(tree: ast.Module) -> ast.Module:
    """What a module's first level gives names to, and nothing that it imports or does."""
    return ast.Module(body=[node for node in tree.body if isinstance(node, ast.Assign)], type_ignores=[])


def _computed(tree: ast.Module) -> ast.Module:
    """The functions of a module, those of classes too, but for pydantic's validators."""
    functions: list[ast.stmt] = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and not any("validator" in ast.unparse(decorator) for decorator in node.decorator_list)
    ]
    return ast.Module(body=functions, type_ignores=[])


def syntax_hash(source: str | bytes) -> str:
    """Twelve hex digits over the syntax tree of Python source, deaf to comments, docstrings and formatting.

    Raises:
        SyntaxError: it is no Python.
    """
    return _hash(ast.parse(source))[:12]


def _hash(tree: ast.Module) -> str:
    return hashlib.sha256(_text(tree).encode()).hexdigest()


def _text(value: object) -> str:
    """A syntax tree as text, without docstrings, in the same words on every version of Python.

    `ast.dump` is another on most: fields come (`type_params` in 3.12), empty ones go (3.13). What is empty is left
    out here, and the characters that `repr` escapes, which the version's Unicode decides, are all but ASCII.
    """
    if isinstance(value, ast.AST):
        fields = dict(ast.iter_fields(value))
        if isinstance(value, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            fields["body"] = [line for line in value.body if not _is_documentation(line)]
        elif isinstance(value, ast.JoinedStr):
            fields["values"] = _joined(value.values)
        given = [
            f"{name}={_text(field)}" for name, field in fields.items() if field is not None and field != []
        ]
        return f"{type(value).__name__}({', '.join(given)})"
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return ascii(value)


def _is_documentation(line: ast.stmt) -> bool:
    """A string that stands alone: a docstring, or what is said of the name defined above."""
    return (
        isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    )


def _joined(parts: list[ast.expr]) -> list[object]:
    """The parts of an f-string; how the text between two fields is cut depends on the version, so it is in one piece."""
    joined: list[object] = []
    for part in parts:
        text = part.value if isinstance(part, ast.Constant) else None
        if not isinstance(text, str):
            joined.append(part)
        elif joined and isinstance(joined[-1], str):
            joined[-1] += text
        elif text:
            joined.append(text)
    return joined
