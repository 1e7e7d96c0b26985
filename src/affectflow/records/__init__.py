"""Samples with splits, and TFRecords of them."""
