"""Metrics of agreement, ranking, decisions, calibration and events, on NumPy arrays."""
