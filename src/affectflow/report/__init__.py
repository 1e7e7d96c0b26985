"""Figures, model cards and the overview page, made from tables and scores."""
