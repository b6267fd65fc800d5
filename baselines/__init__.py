"""Forecasters to compare with, one adapter per file, behind the interface of `panda.evaluation.forecaster`."""
