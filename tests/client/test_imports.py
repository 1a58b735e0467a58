"""Being told of a library when it is imported."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from pytest_platform_report.plugin.imports import ImportWatch

NAME = "a_library_to_be_watched"


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a package that can be imported, and has not been."""
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "__init__.py").write_text("value = 7\nassert value\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, NAME, raising=False)
    return NAME


@pytest.fixture
def told(library: str) -> Iterator[list[ModuleType]]:
    """The modules that a watch has told of."""
    told: list[ModuleType] = []
    watch = ImportWatch(library, told.append)
    watch.start()
    yield told
    watch.stop()
    watch.stop()
    assert watch not in sys.meta_path
    sys.modules.pop(library, None)


def test_nothing_is_imported_by_watching(told: list[ModuleType]) -> None:
    assert NAME not in sys.modules
    assert told == []


def test_told_when_all_of_it_is_there(library: str, told: list[ModuleType]) -> None:
    module = importlib.import_module(library)
    assert told == [module]
    assert module.value == 7
    importlib.import_module(library)
    assert told == [module]


def test_told_of_each_new_module(library: str, told: list[ModuleType]) -> None:
    first = importlib.import_module(library)
    del sys.modules[library]
    second = importlib.import_module(library)
    assert told == [first, second]
    assert first is not second


def test_told_at_once_of_what_is_there(library: str) -> None:
    module = importlib.import_module(library)
    told: list[ModuleType] = []
    watch = ImportWatch(library, told.append)
    watch.start()
    watch.stop()
    assert told == [module]


def test_the_module_is_as_it_would_have_been(library: str, told: list[ModuleType]) -> None:
    watched = importlib.import_module(library)
    finder = sys.meta_path.pop(0)
    del sys.modules[library]
    plain = importlib.import_module(library)
    sys.meta_path.insert(0, finder)
    assert inspect.getsource(watched) == inspect.getsource(plain)
    assert type(watched.__loader__) is type(plain.__loader__)
    assert watched.__spec__ is not None
    assert watched.__spec__.loader is watched.__loader__


def test_a_library_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[ModuleType] = []
    watch = ImportWatch("no_such_library", told.append)
    watch.start()
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        importlib.import_module("no_such_library")
    watch.stop()
    assert told == []
