"""Pilots as data: the plan in its file, its registration, its units and their sums."""
