"""Founders that users bring as files: compiled, measured, judged."""
