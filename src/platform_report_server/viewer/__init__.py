"""Playwright's trace viewer, where its files are installed, at an origin of its own: traces are others' pages."""
