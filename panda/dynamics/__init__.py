"""What one computes with a flow: trajectories and Lyapunov exponents."""

from pathlib import Path

from panda.core.kernel_cache import ensure_kernel_cache

ensure_kernel_cache(Path(__file__).parent)  # before any of its modules imports numba
