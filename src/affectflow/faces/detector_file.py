"""The face detector's file, where the workflow puts the one that it fetches."""

from pathlib import Path

DETECTOR = Path("results/weights/face_detector.onnx")
