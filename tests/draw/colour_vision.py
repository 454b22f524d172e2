"""What a palette looks like to every reader: contrast on paper, and distance for four kinds of sight.

Sources: contrast, WCAG 2.2 (relative luminance); sight without one cone, Machado, Oliveira & Fernandes 2009
(severity 1.0, applied to linear RGB); distance, CIE 1976 L*a*b* under D65.
"""

import numpy as np

SIGHTS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])


def linear(color: str) -> np.ndarray:
    share = np.array([int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)])
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def contrast(color: str, paper: str = "#FFFFFF") -> float:
    light, dark = sorted((float(XYZ[1] @ linear(one)) for one in (color, paper)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(color: str, sight: str) -> np.ndarray:
    seen = np.clip(SIGHTS[sight] @ linear(color), 0, 1)
    ratio = XYZ @ seen / WHITE
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one: str, other: str, sight: str) -> float:
    return float(np.linalg.norm(lab(one, sight) - lab(other, sight)))
