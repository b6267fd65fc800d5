"""How different systems are from each other; near-duplicates."""
