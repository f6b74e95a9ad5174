"""A module for each kind of work: its routes ask the services and fill its templates. Each has a `blueprint`, and is
served by lying here."""

import importlib
import pkgutil

import flask


def blueprints() -> list[flask.Blueprint]:
    """Those of all modules."""
    modules = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    return [module.blueprint for module in modules]
