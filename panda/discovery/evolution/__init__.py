"""Later generations of candidates, and their comparison with one generation."""
