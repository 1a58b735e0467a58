"""Be told of a library when tests import it, without importing it for those that do not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType


class ImportWatch:
    """Calls *on_import* with the module *name* when it has been imported, and again for each new module of the name."""

    def __init__(self, name: str, on_import: Callable[[ModuleType], None]) -> None:
        self._name = name
        self._on_import = on_import

    def start(self) -> None:
        """Begin to watch; a module that has been imported already is told at once."""
        module = sys.modules.get(self._name)
        if module is not None:
            self._on_import(module)
        sys.meta_path.insert(0, self)

    def stop(self) -> None:
        """Watch no more."""
        with suppress(ValueError):
            sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Called for each import: for the module watched, return what the finders after this one find."""
        if name != self._name:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = None if finder is self or find is None else find(name, path, target)
            if spec is None:
                continue
            if spec.loader is not None:
                spec.loader = _TellingLoader(spec.loader, self._on_import)
            return spec
        return None


class _TellingLoader(Loader):
    """Loads as another loader does, and tells."""

    def __init__(self, loader: Loader, on_import: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._on_import = on_import

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._on_import(module)
