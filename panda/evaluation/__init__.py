"""Forecasters, what they are scored on, and how."""
