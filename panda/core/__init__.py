"""What every part may use: seeds, atomic files, provenance, progress, errors."""
