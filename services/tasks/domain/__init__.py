"""The rules of the tasks service: pure states, decisions and folds over the event catalogue."""

from collections.abc import Callable
from datetime import date
from typing import Any

# (state or None, an event's data, the day of recording) → state; one for each event type.
Evolvers = dict[type, Callable[[Any, Any, date], Any]]
