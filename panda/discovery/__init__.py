"""The search for chaotic systems: candidates, their statistics, the filters that select."""
