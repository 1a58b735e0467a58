"""Writing: every change of the store, one module a noun."""
