"""timm, diffusers and torchao for the tests of their models, although none of them is in the environment itself.

`make install` puts each into a folder of its own. A folder is on the path only while its library is imported, because
transformers takes a timm that it can see for one that works. And timm imports torchvision, of which it needs nothing to
build a model: while timm is imported, modules that have everything and do nothing stand in for it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(sys.prefix) / "zoo"
LACKS = {"timm": "torchvision"}
"""What a library imports and is not there."""


def package(name: str, *parts: str) -> Any:
    """Import a library; skip the tests of a module where it is not installed.

    Parameters
    ----------
    name
        ``timm``, ``diffusers`` or ``torchao``.
    parts
        Names in it that are to be there: such libraries import their parts when they are asked for.
    """
    if name in sys.modules:
        return sys.modules[name]
    own = FOLDER / name
    if not own.is_dir():
        pytest.skip(f"{name} is not in {own}: `make install` puts it there", allow_module_level=True)
    # What transformers can use is found out before there is more to be seen.
    importlib.import_module("transformers")
    with _on_path(own), _stand_in(LACKS.get(name)):
        library = importlib.import_module(name)
        for part in parts:
            getattr(library, part)
    return library


@contextmanager
def _on_path(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


@contextmanager
def _stand_in(name: str | None) -> Iterator[None]:
    """Let a library that is missing, and everything in it, be imported for a while."""
    if name is None or find_spec(name) is not None:
        yield
        return
    finder = _Finder(name)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for module in [module for module in sys.modules if finder.stands_for(module)]:
            del sys.modules[module]


class _Anything(type):
    """A class whose attributes are classes like it."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "value":  # as of a member of an enumeration
            return cls.__name__.lower()
        made = _Anything(name, (), {})
        setattr(cls, name, made)
        return made


class _Module(ModuleType):
    __path__: list[str] = []  # noqa: RUF012  # it is a package

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _Anything(name, (), {})
        setattr(self, name, made)
        return made


class _Finder(MetaPathFinder, Loader):
    def __init__(self, name: str) -> None:
        self._name = name

    def stands_for(self, module: str) -> bool:
        """Whether a module is the missing library or in it."""
        return module.partition(".")[0] == self._name

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self, is_package=True) if self.stands_for(fullname) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: what is asked of the module is made then."""
