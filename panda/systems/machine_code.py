"""Turns programs into machine code that computes eight lanes at once, and loads such code."""

from __future__ import annotations

from functools import cache

import llvmlite
import llvmlite.binding as llvm

from panda.core.errors import PandaError
from panda.systems.expression import Instruction, Program
from panda.systems.lanes import N_LANES
from panda.systems.vector_math import LIBRARY, VECTOR_FUNCTIONS, V, constant

_ARITHMETIC = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}


def lane_function(name: str, program: Program, outputs: dict[str, int]) -> str:
    """LLVM's text of a lane function (``lanes.py``) that computes a program.

    ``outputs`` names the output arrays and how many of the program's outputs go to each, in order
    (``{"dy": 3}``); with ``dv`` or ``ds`` among them the function also takes ``v``.
    """
    inputs = ("t", "y", "v", "p") if {"dv", "ds"} & set(outputs) else ("t", "y", "p")
    arguments = [f"ptr noalias readonly %{kind}" for kind in inputs]
    arguments += [f"ptr noalias writeonly %{kind}" for kind in outputs]
    lines = [f"define void @{name}({', '.join(arguments)}) nounwind {{"]
    values: list[str] = []
    for k, instruction in enumerate(program.instructions):
        if instruction.op == "const":
            values.append(constant(instruction.value))
            continue
        lines += _instruction(f"%x{k}", instruction, [values[a] for a in instruction.arguments])
        values.append(f"%x{k}")
    targets = [(kind, i) for kind, count in outputs.items() for i in range(count)]
    for (kind, i), index in zip(targets, program.outputs, strict=True):
        lines.append(f"  %{kind}{i} = getelementptr {V}, ptr %{kind}, i64 {i}")
        lines.append(f"  store {V} {values[index]}, ptr %{kind}{i}, align 8")
    return "\n".join([*lines, "  ret void", "}"]) + "\n"


def _instruction(name: str, instruction: Instruction, x: list[str]) -> list[str]:
    op = instruction.op
    if op == "input":
        kind, index = instruction.value
        pointer = f"  {name}p = getelementptr {V}, ptr %{kind}, i64 {index}"
        return [pointer, f"  {name} = load {V}, ptr {name}p, align 8"]
    if op in _ARITHMETIC:
        return [f"  {name} = {_ARITHMETIC[op]} {V} {x[0]}, {x[1]}"]
    if op == "neg":
        return [f"  {name} = fneg {V} {x[0]}"]
    if op == "minimum":
        return _select_less(name, x[1], x[0], x[1], x[0])
    if op == "maximum":
        return _select_less(name, x[0], x[1], x[1], x[0])
    if op == "select_less":
        return _select_less(name, *x)
    return [f"  {name} = call {V} @{VECTOR_FUNCTIONS[op]}({', '.join(f'{V} {a}' for a in x)})"]


def _select_less(name: str, a: str, b: str, x: str, y: str) -> list[str]:
    return [
        f"  {name}c = fcmp olt {V} {a}, {b}",
        f"  {name} = select <{N_LANES} x i1> {name}c, {V} {x}, {V} {y}",
    ]


@cache
def _target() -> llvm.TargetMachine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        reloc="pic",
        codemodel="jitdefault",
    )


def machine() -> dict[str, str]:
    """What machine code depends on beside the programs: the compiler's versions and the CPU's kind."""
    return {
        "llvmlite": llvmlite.__version__,
        "llvm": ".".join(str(part) for part in llvm.llvm_version_info),
        "triple": llvm.get_default_triple(),
        "cpu": llvm.get_host_cpu_name(),
        "cpu_features": llvm.get_host_cpu_features().flatten(),
    }


def compile_functions(text: str) -> bytes:
    """The object file of lane functions (the joined texts of ``lane_function``) for this machine's CPU."""
    target = _target()
    module = llvm.parse_assembly(LIBRARY + text)
    module.triple, module.data_layout = target.triple, str(target.target_data)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    builder = llvm.create_pass_builder(target, options)
    builder.getModulePassManager().run(module, builder)
    return target.emit_object(module)


class LoadedCode:
    """An object file's functions in memory; they stay as long as this object does."""

    def __init__(self, code: bytes) -> None:
        """Load it.

        Raises:
            PandaError: the bytes are no object file for this machine.
        """
        try:
            self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _fresh_target())
            self._engine.add_object_file(llvm.object_file.ObjectFileRef.from_data(code))
            self._engine.finalize_object()
        except RuntimeError as error:
            raise PandaError(
                f"compiled founder code cannot be loaded ({error}); build the founders again"
            ) from error

    def address(self, name: str) -> int:
        """The address of a function; 0 if there is none of this name."""
        return int(self._engine.get_function_address(name))


def _fresh_target() -> llvm.TargetMachine:
    # An engine takes ownership of its target machine.
    return _target.__wrapped__()
