"""Samples -> TFRecords, without TensorFlow."""
