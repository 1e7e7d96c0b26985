"""Trained models on images, videos, cameras and records."""
