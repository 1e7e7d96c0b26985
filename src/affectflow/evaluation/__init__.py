"""Predictions -> scores by published protocols, comparisons, and checks of leakage."""
