"""Drawn anatomy: small pictures that look like head scans, made by arithmetic alone.

A picture is a two-dimensional array, top row first. ``z`` runs from -1 (neck) to 1 (vertex), so
that a slice tells where it was cut; ``variant`` gives each subject a brain of its own.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.int32]
Grid = NDArray[np.float64]
Tissues = NDArray[np.uint8]

AIR, SCALP, SKULL, CSF, GREY, WHITE, NUCLEI, LESION = range(8)

CONTRASTS = {
    "t1": (8, 620, 70, 140, 430, 700, 520, 330),
    "t2": (6, 420, 50, 980, 540, 340, 380, 820),
    "flair": (6, 380, 50, 60, 560, 390, 440, 950),
    "dwi": (4, 90, 20, 60, 420, 520, 450, 800),
    "bold": (5, 120, 30, 820, 600, 460, 520, 560),
    "ct": (-1000, 60, 1150, 4, 38, 30, 40, 22),
    "pet": (0, 900, 300, 400, 9000, 3600, 11500, 1500),
}
"""Brightness by tissue (air, scalp, skull, fluid, grey, white, nuclei, lesion); ``ct`` in HU."""

NOISE = {"t1": 14.0, "t2": 16.0, "flair": 14.0, "dwi": 22.0, "bold": 24.0, "ct": 9.0, "pet": 350.0}

EDGES = {
    "axial": ("R", "L", "A", "P"),
    "coronal": ("R", "L", "H", "F"),
    "sagittal": ("A", "P", "H", "F"),
}
"""Letters at the left, right, upper and lower edge of a scout view."""

GLYPHS = {
    "L": "100100100100111", "R": "110101110101101", "A": "010101111101101", "P": "110101110100100",
    "H": "101101111101101", "F": "111100110100100", "D": "110101101101110", "E": "111100110100111",
    "M": "101111111101101", "O": "111101101101111", "Q": "111101101111001", "C": "111100100100111",
    "S": "111100111001111", "T": "111010010010010", "U": "101101101101111", "N": "110101101101101",
}  # fmt: skip


def _ellipse(x: Grid, y: Grid, center: tuple[float, float], radii: tuple[float, float]) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = ((x - center[0]) / radii[0]) ** 2 + ((y - center[1]) / radii[1]) ** 2 <= 1.0
    return inside


def _grid(size: int) -> tuple[Grid, Grid]:
    y, x = np.mgrid[-1.0 : 1.0 : size * 1j, -1.0 : 1.0 : size * 1j]
    return x, y


@lru_cache(maxsize=1024)
def tissues(size: int, z: float, variant: int = 0) -> Tissues:
    """The tissue of every pixel of an axial slice (``AIR`` to ``LESION``)."""
    x, y = _grid(size)
    drawn = np.full((size, size), AIR, dtype=np.uint8)
    reach = float(np.sqrt(max(0.05, 1.0 - (0.88 * z) ** 2)))
    wide = reach * (0.98 + 0.02 * (variant % 3))
    center = (0.0, 0.0)
    for tissue, breadth, length in ((SCALP, 0.76, 0.94), (SKULL, 0.71, 0.89), (CSF, 0.65, 0.83)):
        drawn[_ellipse(x, y, center, (breadth * wide, length * reach))] = tissue
    angle = np.arctan2(y, x)
    folds = 1.0 + 0.045 * np.sin(13 * angle + 3 * z + variant) + 0.03 * np.sin(23 * angle - 5 * z)
    distance = np.hypot(x / (0.63 * wide), y / (0.81 * reach))
    drawn[distance <= folds * 0.97] = GREY
    drawn[distance <= folds * folds * 0.80 + 0.04 * np.sin(9 * angle + variant)] = WHITE
    drawn[(np.abs(x) < 0.018) & (distance > 0.45) & (distance < 0.98)] = CSF
    _paint_depth(drawn, x, y, z, variant)
    return drawn


def _paint_depth(drawn: Tissues, x: Grid, y: Grid, z: float, variant: int) -> None:
    """Nuclei and ventricles around the middle of the head, and a lesion in every third brain."""
    size = max(0.0, 1.0 - (1.6 * (z - 0.05)) ** 2)
    if size > 0.05:
        swell = 1.0 + 0.18 * (variant % 4)
        for side in (-1.0, 1.0):
            lean = x - side * 0.10 * y
            drawn[_ellipse(lean, y, (side * 0.24, 0.08), (0.09 * size, 0.17 * size))] = NUCLEI
            drawn[_ellipse(lean, y, (side * 0.10, -0.20), (0.065 * size * swell, 0.22 * size))] = CSF
            drawn[_ellipse(lean, y, (side * 0.17, 0.30), (0.06 * size * swell, 0.20 * size))] = CSF
    if variant % 3 == 2 and abs(z - 0.25) < 0.22:
        drawn[_ellipse(x, y, (0.34, -0.30), (0.08, 0.06))] = LESION


@lru_cache(maxsize=64)
def axial(contrast: str, size: int, z: float, variant: int = 0) -> Picture:
    """An axial slice in one of ``CONTRASTS``; PET is blurred as a scanner would."""
    picture = np.take(np.array(CONTRASTS[contrast], dtype=np.float64), tissues(size, z, variant))
    for _ in range(3 if contrast == "pet" else 1):
        picture = _blurred(picture)
    seed = (variant * 1009 + int((z + 2.0) * 1000) * 31 + len(contrast)) & 0xFFFF
    noise = np.random.default_rng(seed).normal(0.0, NOISE[contrast], picture.shape)
    floor = -1024 if contrast == "ct" else 0
    finished: Picture = np.clip(picture + noise, floor, 32000).astype(np.int32)
    return finished


def _blurred(picture: Grid) -> Grid:
    for axis in (0, 1):
        picture = 0.25 * np.roll(picture, 1, axis) + 0.5 * picture + 0.25 * np.roll(picture, -1, axis)
    return picture


@lru_cache(maxsize=64)
def localizer(plane: str, size: int, variant: int = 0) -> Picture:
    """A scout view, ``axial``, ``coronal`` or ``sagittal``, lettered at its edges; ``size`` is even."""
    if plane == "axial":
        picture = axial("t1", size, 0.1, variant).copy()
    else:
        drawn = _upright(plane, size // 2, variant).repeat(2, 0).repeat(2, 1)
        picture = _blurred(np.take(np.array(CONTRASTS["t1"], dtype=np.float64), drawn)).astype(np.int32)
    left, right, top, bottom = EDGES[plane]
    middle = size // 2
    write(picture, left, middle - 3, 1, 1000)
    write(picture, right, middle - 3, size - 8, 1000)
    write(picture, top, 1, middle - 3, 1000)
    write(picture, bottom, size - 12, middle - 3, 1000)
    return picture


def _upright(plane: str, size: int, variant: int) -> Tissues:
    """A cut from vertex to neck through the stacked axial slices, with a neck and, sideways, a nose."""
    heights = np.linspace(1.12, -1.12, size)
    head = np.stack([tissues(size, round(float(z), 3), variant) for z in heights])
    for beyond, outermost in ((0.80, GREY), (0.92, CSF), (0.98, SKULL), (1.04, SCALP)):
        head[np.abs(heights) > beyond] = np.minimum(head[np.abs(heights) > beyond], outermost)
    middle = size // 2
    drawn = head[:, middle + 2, :].copy() if plane == "coronal" else head[:, :, middle - 4].copy()
    x, y = _grid(size)
    extra = (np.abs(x - 0.05) < 0.28) & (y > 0.5)
    if plane == "sagittal":
        extra |= _ellipse(x, y, (-0.90, 0.30), (0.09, 0.14)) | _ellipse(x, y, (-0.45, 0.70), (0.35, 0.22))
    drawn[extra & (drawn == AIR)] = SCALP
    return drawn


@lru_cache(maxsize=64)
def ultrasound(size: int, number: int, variant: int = 0) -> Picture:
    """A sector scan through a fontanelle: speckle in a fan, ventricles dark; 0 to 255."""
    x, y = _grid(size)
    depth, angle = np.hypot(x, y + 1.0), np.arctan2(x, y + 1.0)
    speckle = np.random.default_rng(variant * 97 + number).gamma(2.0, 34.0, (size, size))
    for side in (-1.0, 1.0):
        hollow = _ellipse(x - side * 0.2 * y, y, (side * 0.13, 0.0), (0.08, 0.24 + 0.02 * number))
        speckle[hollow] *= 0.12
    speckle[np.abs(depth - 1.72) < 0.04] += 120.0
    speckle *= np.exp(-0.28 * depth)
    speckle[(np.abs(angle) > 0.72) | (depth < 0.12) | (depth > 1.86)] = 0.0
    picture: Picture = np.clip(_blurred(speckle), 0, 255).astype(np.int32)
    write(picture, "US", 1, 1, 220)
    return picture


def write(picture: Picture, text: str, top: int, left: int, brightness: int, scale: int = 2) -> None:
    """Letter a picture in place with 3 by 5 glyphs; characters without a glyph leave a gap."""
    for place, letter in enumerate(text):
        bits = GLYPHS.get(letter)
        if bits is None:
            continue
        glyph = np.array([int(bit) for bit in bits]).reshape(5, 3).repeat(scale, 0).repeat(scale, 1)
        start = left + place * 4 * scale
        window = picture[top : top + 5 * scale, start : start + 3 * scale]
        window[glyph[: window.shape[0], : window.shape[1]] == 1] = brightness
