"""People and keys: who may come in, written; the way in, with its passwords and its patience."""
