"""Annotation of valence and arousal: videos to annotate, the annotation server, and merging of ratings and traces."""
