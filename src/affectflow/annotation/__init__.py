"""Videos and images to annotate for valence and arousal, and traces and ratings -> merged labels."""
