"""From a spreadsheet of image URLs to facial action unit and valence/arousal models, scored on benchmarks."""
