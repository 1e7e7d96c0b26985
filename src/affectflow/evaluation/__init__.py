"""Scores of predictions by published protocols, comparisons of models, and checks for leakage."""
