"""Train models from TFRecords."""
