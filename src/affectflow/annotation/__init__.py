"""Images into videos to be annotated, and the annotators' traces back to images."""
