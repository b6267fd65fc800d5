"""One self-contained page that shows a whole run: figures, tables, claims, costs and provenance."""
