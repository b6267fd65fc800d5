"""The layout that compiled right-hand sides share with the integrators.

All arrays are contiguous float64 laid out ``[component][lane]``; ``d`` is the dimension. No operation
mixes lanes and no floating-point rule is relaxed: a lane's result is the same bits whatever the others hold.

- ``rhs(t[8], y[d * 8], p[n_params * 8], dy[d * 8])`` writes ``dy = f(t, y, p)``
- ``jvp(t, y, v, p, dy, dv)`` writes ``dy = f(t, y, p)`` and ``dv = (df/dy)(t, y, p) v``
- ``held(t, y, v, p, dy, dv)``: as ``jvp``, with the jumps held on the sides that stand behind p (``switching.py``)
- ``surfaces(t, y, v, p, s, ds, st)`` writes each switching function, its derivative along v, and that by t

A founder with delay (``flow.py``) has ``y = (x(t), x(t - tau))``, v likewise, and one row of dy and dv.
Inputs and outputs must not overlap.
"""

from __future__ import annotations

N_LANES = 8
"""Trajectories that advance side by side."""

RHS_ARGUMENTS = ("t", "y", "p", "dy")
JVP_ARGUMENTS = ("t", "y", "v", "p", "dy", "dv")
