"""pytest-bdd's steps as ours."""

from __future__ import annotations

from typing import Any

import pytest

from ..recording import step as open_step


class BddHooks:
    """Opens a step of ours around each step of a scenario; called where pytest-bdd is installed."""

    def __init__(self) -> None:
        self._open: Any = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_bdd_before_step(self, step: Any) -> None:
        """Called before a step's function runs."""
        self._open = open_step(_title(step))
        self._open.__enter__()

    @pytest.hookimpl(optionalhook=True)
    def pytest_bdd_after_step(self) -> None:
        """Called after a step's function has run."""
        self._close(None)

    @pytest.hookimpl(optionalhook=True)
    def pytest_bdd_step_error(self, exception: BaseException) -> None:
        """Called when a step's function has raised."""
        self._close(exception)

    @pytest.hookimpl(optionalhook=True)
    def pytest_bdd_step_func_lookup_error(self, step: Any, exception: BaseException) -> None:
        """Called for a step that has no function."""
        self._open = open_step(_title(step))
        self._open.__enter__()
        self._close(exception)

    def _close(self, error: BaseException | None) -> None:
        opened, self._open = self._open, None
        if opened is not None:
            opened.__exit__(type(error) if error is not None else None, error, None)


def _title(step: Any) -> str:
    return f"{getattr(step, 'keyword', '')} {getattr(step, 'name', step)}".strip()
