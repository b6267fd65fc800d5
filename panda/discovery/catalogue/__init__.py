"""The catalogue on disk: read back, checked for missing shards, compact, drawn, exchanged with the reference."""
