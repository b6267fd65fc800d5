"""The Panda model: patches of a multivariate series, attended over time and over channels."""
