"""Elementary functions on eight lanes at once, in LLVM's language, right to three units in the last place.

The scalar library's functions would be called lane by lane and take most of the time of a founder that has
a sine. Polynomials are Taylor's, after a reduction of the argument. Every lane is computed on its own: an
argument out of the fast range is computed by the scalar library and chosen for that lane only.

Why not SLEEF, which has these functions too: it is a C library, which no wheel brings, so every user would have to build
it; its calls cannot be inlined into a founder's code, which is stored as one object file and loaded without a linker; and
its results hang on the version and the variant for the processor that are found, where these are the same text for all.
"""

from __future__ import annotations

import math
import struct
from fractions import Fraction

from panda.systems.lanes import N_LANES

V = f"<{N_LANES} x double>"
_I = f"<{N_LANES} x i64>"
_B = f"<{N_LANES} x i1>"

_LN2 = Fraction("0.69314718055994530941723212145817656807550013436025525412068")
_HALF_PI = Fraction("1.57079632679489661923132169163975144209858469968755291048747")
_MAGIC = 1.5 * 2.0**52  # adding it rounds to a whole number, which its low bits then hold

VECTOR_FUNCTIONS = {
    "sin": "lanes_sin",
    "cos": "lanes_cos",
    "exp": "lanes_exp",
    "sinh": "lanes_sinh",
    "cosh": "lanes_cosh",
    "tanh": "lanes_tanh",
    "sign": "lanes_sign",
    "heaviside": "lanes_heaviside",
    "abs": "llvm.fabs",
    "sqrt": "llvm.sqrt",
    "log": "llvm.log",
    "pow": "llvm.pow",
}
"""The function that computes an operation of ``expression.NUMPY``; log and pow call the scalar library."""
VECTOR_FUNCTIONS |= {
    op: f"{name}.v{N_LANES}f64" for op, name in VECTOR_FUNCTIONS.items() if name.startswith("llvm.")
}


def constant(value: float) -> str:
    """A number in all lanes, exact."""
    bits = struct.unpack("<Q", struct.pack("<d", value))[0]
    return f"splat (double 0x{bits:016X})"


def _parts(value: Fraction, n: int) -> list[float]:
    """``value`` as a sum of n doubles, each the nearest to what the ones before leave."""
    parts: list[float] = []
    for _ in range(n):
        parts.append(float(value))
        value -= Fraction(parts[-1])
    return parts


class _Body:
    """Lines of one function; a method appends an instruction and returns the name of its result."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def new(self, text: str) -> str:
        name = f"%a{len(self.lines)}"
        self.lines.append(f"  {name} = {text}")
        return name

    def op(self, opcode: str, a: str, b: str, kind: str = V) -> str:
        return self.new(f"{opcode} {kind} {a}, {b}")

    def call(self, name: str, *x: str) -> str:
        return self.new(f"call {V} @{name}({', '.join(f'{V} {a}' for a in x)})")

    def fma(self, a: str, b: str, c: str) -> str:
        return self.call(f"llvm.fma.v{N_LANES}f64", a, b, c)

    def fabs(self, a: str) -> str:
        return self.call(f"llvm.fabs.v{N_LANES}f64", a)

    def neg(self, a: str) -> str:
        return self.new(f"fneg {V} {a}")

    def less(self, a: str, b: str) -> str:
        return self.new(f"fcmp olt {V} {a}, {b}")

    def select(self, mask: str, a: str, b: str) -> str:
        return self.new(f"select {_B} {mask}, {V} {a}, {V} {b}")

    def bits(self, a: str) -> str:
        return self.new(f"bitcast {V} {a} to {_I}")

    def double(self, a: str) -> str:
        return self.new(f"bitcast {_I} {a} to {V}")

    def integer(self, opcode: str, a: str, b: int) -> str:
        return self.op(opcode, a, f"splat (i64 {b})", _I)

    def polynomial(self, x: str, coefficients: list[float]) -> str:
        """Horner's rule, the constant term first."""
        result = constant(coefficients[-1])
        for c in reversed(coefficients[:-1]):
            result = self.fma(result, x, constant(c))
        return result

    def reduce(self, x: str, unit: Fraction, n_parts: int) -> tuple[str, str, str]:
        """The nearest integer n to ``x / unit`` (its bits plus ``_MAGIC``'s; itself) and ``x - n unit``."""
        shifted = self.fma(x, constant(float(1 / unit)), constant(_MAGIC))
        n = self.op("fsub", shifted, constant(_MAGIC))
        minus, rest = self.neg(n), x
        for part in _parts(unit, n_parts):
            rest = self.fma(minus, constant(part), rest)
        return self.bits(shifted), n, rest

    def define(self, name: str, result: str, arguments: str = f"{V} %x") -> str:
        lines = "\n".join(self.lines)
        head = f"define internal {V} @{name}({arguments}) alwaysinline nounwind"
        return f"{head} {{\n{lines}\n  ret {V} {result}\n}}\n"


def _circular(name: str, quarter_turns: int) -> str:
    """sin (0 quarter turns) or cos (1): reduction by pi/2, then sin or cos of the rest, by the quadrant."""
    b = _Body()
    whole, _, r = b.reduce("%x", _HALF_PI, 3)
    quadrant = b.integer("add", whole, quarter_turns) if quarter_turns else whole
    z = b.op("fmul", r, r)
    odd = [(-1.0) ** k / math.factorial(2 * k + 1) for k in range(1, 9)]
    even = [(-1.0) ** k / math.factorial(2 * k) for k in range(2, 9)]
    sine = b.fma(b.op("fmul", r, z), b.polynomial(z, odd), r)
    half = b.fma(z, constant(-0.5), constant(1.0))
    cosine = b.fma(b.op("fmul", z, z), b.polynomial(z, even), half)
    is_cosine = b.op("icmp ne", b.integer("and", quadrant, 1), "zeroinitializer", _I)
    value = b.select(is_cosine, cosine, sine)
    sign = b.integer("shl", b.integer("and", quadrant, 2), 62)
    fast = b.double(b.op("xor", b.bits(value), sign, _I))
    return b.define(f"{name}_fast", fast) + _guarded(name, 2.0**30)


def _guarded(name: str, limit: float) -> str:
    """``name``: the fast function where ``|x| < limit``, the scalar library's in the other lanes, if any."""
    f, scalar = f"lanes_{name.removeprefix('lanes_')}", f"llvm.{name.removeprefix('lanes_')}.v{N_LANES}f64"
    return f"""define internal {V} @{f}({V} %x) alwaysinline nounwind {{
  %fast = call {V} @{name}_fast({V} %x)
  %size = call {V} @llvm.fabs.v{N_LANES}f64({V} %x)
  %inside = fcmp olt {V} %size, {constant(limit)}
  %all = call i1 @llvm.vector.reduce.and.v{N_LANES}i1({_B} %inside)
  br i1 %all, label %done, label %slow
slow:
  %exact = call {V} @lanes_scalar_{scalar.split(".")[1]}({V} %x)
  %mixed = select {_B} %inside, {V} %fast, {V} %exact
  br label %done
done:
  %result = phi {V} [ %fast, %0 ], [ %mixed, %slow ]
  ret {V} %result
}}
define internal {V} @lanes_scalar_{scalar.split(".")[1]}({V} %x) noinline cold nounwind {{
  %y = call {V} @{scalar}({V} %x)
  ret {V} %y
}}
"""


def _power_of_two(b: _Body, n: str) -> str:
    """2**n for integers -1022..1023."""
    return b.double(b.integer("shl", b.integer("add", n, 1023), 52))


_MAGIC_BITS = struct.unpack("<q", struct.pack("<d", _MAGIC))[0]


def _exponential() -> str:
    """e**x = 2**n e**r with |r| <= ln(2)/2; two factors for 2**n, so that neither overflows."""
    b = _Body()
    x = b.select(b.less(constant(710.0), "%x"), constant(710.0), "%x")
    x = b.select(b.less(x, constant(-746.0)), constant(-746.0), x)
    whole, _, r = b.reduce(x, _LN2, 2)
    n = b.integer("sub", whole, _MAGIC_BITS)
    first = b.integer("ashr", n, 1)
    second = b.op("sub", n, first, _I)
    series = b.polynomial(r, [1.0 / math.factorial(k) for k in range(14)])
    scaled = b.op("fmul", series, _power_of_two(b, first))
    return b.define("lanes_exp", b.op("fmul", scaled, _power_of_two(b, second)))


def _exponential_minus_one(b: _Body, x: str) -> str:
    """e**x - 1, precise near 0, for 0 <= x <= 709 (or NaN): 2**n (e**r - 1) + (2**n - 1)."""
    whole, _, r = b.reduce(x, _LN2, 2)
    power = _power_of_two(b, b.integer("sub", whole, _MAGIC_BITS))
    series = b.polynomial(r, [1.0 / math.factorial(k) for k in range(2, 15)])
    small = b.fma(b.op("fmul", r, r), series, r)
    return b.fma(power, small, b.op("fsub", power, constant(1.0)))


def _hyperbolic() -> str:
    sinh, cosh, tanh = _Body(), _Body(), _Body()
    copysign = f"llvm.copysign.v{N_LANES}f64"

    size = sinh.fabs("%x")
    size = sinh.select(sinh.less(constant(709.0), size), constant(709.0), size)
    e = _exponential_minus_one(sinh, size)
    ratio = sinh.op("fdiv", e, sinh.op("fadd", e, constant(1.0)))
    half = sinh.op("fmul", sinh.op("fadd", e, ratio), constant(0.5))
    half = sinh.select(sinh.less(constant(709.0), sinh.fabs("%x")), constant(math.inf), half)
    text = sinh.define("lanes_sinh", sinh.call(copysign, half, "%x"))

    e = cosh.call("lanes_exp", cosh.fabs("%x"))
    inverse = cosh.op("fdiv", constant(0.5), e)
    text += cosh.define("lanes_cosh", cosh.fma(e, constant(0.5), inverse))

    twice = tanh.op("fmul", tanh.fabs("%x"), constant(2.0))
    twice = tanh.select(tanh.less(constant(50.0), twice), constant(50.0), twice)
    e = _exponential_minus_one(tanh, twice)
    ratio = tanh.op("fdiv", e, tanh.op("fadd", e, constant(2.0)))
    return text + tanh.define("lanes_tanh", tanh.call(copysign, ratio, "%x"))


def _steps() -> str:
    sign, step = _Body(), _Body()
    zero, one = constant(0.0), constant(1.0)
    below = sign.select(sign.less("%x", zero), constant(-1.0), "%x")  # 0 and NaN stay
    text = sign.define("lanes_sign", sign.select(sign.less(zero, "%x"), one, below))
    at_zero = step.select(step.new(f"fcmp oeq {V} %x, {zero}"), "%h", "%x")
    below = step.select(step.less("%x", zero), zero, at_zero)
    chosen = step.select(step.less(zero, "%x"), one, below)
    return text + step.define("lanes_heaviside", chosen, f"{V} %x, {V} %h")


def _declarations() -> str:
    one = [f"llvm.{f}.v{N_LANES}f64" for f in ("sin", "cos", "fabs", "sqrt", "log")]
    two = [f"llvm.{f}.v{N_LANES}f64" for f in ("pow", "copysign")]
    lines = [f"declare {V} @{f}({V})" for f in one] + [f"declare {V} @{f}({V}, {V})" for f in two]
    lines.append(f"declare {V} @llvm.fma.v{N_LANES}f64({V}, {V}, {V})")
    lines.append(f"declare i1 @llvm.vector.reduce.and.v{N_LANES}i1({_B})")
    return "\n".join(lines) + "\n"


LIBRARY = (
    _declarations()
    + _circular("lanes_sin", 0)
    + _circular("lanes_cos", 1)
    + _exponential()
    + _hyperbolic()
    + _steps()
)
"""LLVM's text of every function above; what a founder does not use is removed when it is compiled."""
