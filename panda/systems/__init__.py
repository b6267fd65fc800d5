"""The founders of dysts as compiled right-hand sides, skew products of them, and their mutation."""
