"""The journal: what a session found, on disk before anything else is done with it.

Each process of a run appends JSON lines to a segment of its own, ``<run folder>/journal/<name>.jsonl``; the newline
commits a record. :mod:`.records` has the format, :mod:`.segment` writes it, :mod:`.reader` reads it back, and
:mod:`.values` makes values of it.
"""
