"""The sides that samples fall to."""

SPLITS = ("train", "validation", "test")
