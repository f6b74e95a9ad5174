"""Every refusal that the installation declares, by the module that declares it."""

import importlib
import importlib.util
import pkgutil

import services
from shared import calendar, refusals
from shared.refusal import Refusal

SHARED = (refusals, calendar)


def declared() -> dict[str, list[Refusal]]:
    """The refusals of each `services/<x>/domain/refusals.py` (its ALL) and of the shared modules."""
    found = {module.__name__: _constants(module) for module in SHARED}
    for package in pkgutil.iter_modules(services.__path__, "services."):
        name = f"{package.name}.domain.refusals"
        if importlib.util.find_spec(name):
            module = importlib.import_module(name)
            found[name] = list(module.ALL)
            missing = [refusal.code for refusal in _constants(module) if refusal not in found[name]]
            assert not missing, f"{name}.ALL lacks {missing}"
    return found


def _constants(module: object) -> list[Refusal]:
    return [value for value in vars(module).values() if isinstance(value, Refusal)]
