"""Panda: chaotic systems discovered, integrated, learnt and forecast, as one reproducible pipeline."""

__version__ = "0.1.0"
