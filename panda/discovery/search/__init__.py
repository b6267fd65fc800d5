"""Candidates: drawn, integrated, measured, and selected by filters."""
