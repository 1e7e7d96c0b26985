"""Heads rendered on the CPU: imaginary people who show action units, in light, before a camera.

The shape is MakeHuman's base mesh with its identity targets, and the face units of its community, all CC0
(:mod:`affectflow.rendering.source`); skin, hair, eyes, light and camera are computed. The same arguments give the same
pixels on any CPU: kernels are compiled without fast-math, and use functions of this package in place of the C library's
(:mod:`affectflow.rendering.arithmetic`).
"""
