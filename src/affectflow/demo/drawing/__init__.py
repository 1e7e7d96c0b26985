"""Drawn human faces whose expression is given in FACS action units."""

from affectflow.demo.drawing.action_units import DRAWN_ACTION_UNITS
from affectflow.demo.drawing.identity import Identity, draw_identity
from affectflow.demo.drawing.render import draw_face
from affectflow.demo.drawing.scene import SCENE_STYLES, Scene, draw_scene

__all__ = [
    "DRAWN_ACTION_UNITS",
    "SCENE_STYLES",
    "Identity",
    "Scene",
    "draw_face",
    "draw_identity",
    "draw_scene",
]
