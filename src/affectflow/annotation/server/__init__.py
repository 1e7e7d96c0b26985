"""The local page on which images are rated and videos traced."""
