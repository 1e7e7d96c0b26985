"""Labelled images -> samples with splits, and TFRecords."""
