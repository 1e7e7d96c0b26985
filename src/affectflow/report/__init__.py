"""Tables and scores -> figures, model cards and the overview page."""
