"""Projections: folds of local logs into rows, with their positions, parking and rebuild."""

from shared.projection.positions import Position, all_positions, read_positions
from shared.projection.replay import CannotFold, Fold, Projection, replay
from shared.projection.runner import Progress, Runner

__all__ = [
    "CannotFold",
    "Fold",
    "Position",
    "Progress",
    "Projection",
    "Runner",
    "all_positions",
    "read_positions",
    "replay",
]
