"""The drawn data set that the default configuration points at, in the real sets' formats."""
