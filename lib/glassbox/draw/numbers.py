"""Numbers as a stored figure keeps them: short, plain and the same on every machine."""

import math


def rounded(values, digits: int = 3):
    """Return `values` with every float rounded to `digits` significant digits, as plain Python.

    Takes a number, a list, a dict, a NumPy array or a tensor, nested as deep as it likes. Whole numbers,
    words and None stay as they are. A float that is not finite becomes None: a gap in the drawing.
    """
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, dict):
        return {key: rounded(value, digits) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [rounded(value, digits) for value in values]
    if isinstance(values, float):
        return float(f"{values:.{digits}g}") + 0.0 if math.isfinite(values) else None
    return values
