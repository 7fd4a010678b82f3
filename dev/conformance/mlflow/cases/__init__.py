"""All cases, one module an area."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from case import Area, Case


def all_cases() -> Iterator[Case]:
    """Every case of every module here, in the order of their names."""
    for module in sorted(iter_modules(__path__), key=lambda found: found.name):
        area: Area = import_module(f"cases.{module.name}").area
        yield from area
