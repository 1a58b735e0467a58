"""Tests of the platform: a real server on a free port, a real store on disk."""
