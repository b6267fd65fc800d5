"""Forecasters to compare with, one adapter a file, behind the interface of `panda.evaluation.forecaster`."""
