"""Artifacts: what may be one, and where their bytes lie."""
