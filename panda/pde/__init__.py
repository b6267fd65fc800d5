"""Partial differential equations, simulated as fields on a grid for the zero-shot forecasts of Figure 8."""
