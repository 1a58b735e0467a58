"""The uploader: the process that brings a run folder's results to the platform."""
