"""Training on a bare machine with a GPU by one command, without Snakemake: docs/gpu.md."""
