"""The paper's figures, drawn from tables and arrays: one module a figure, each with `shown` and `draw`."""
