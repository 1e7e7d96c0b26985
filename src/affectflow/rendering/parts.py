"""Parts of the mesh, and the step in which its targets are kept."""

SKIN, LEFT_EYE, RIGHT_EYE, UPPER_TEETH, LOWER_TEETH, TONGUE, LASHES = range(7)
"""Left and right are the person's."""
TARGET_STEPS = 4000
"""Targets are kept in steps of a decimetre's 4000th."""
