"""The states of a figure, as plain JSON: what it shows when its slider stands elsewhere."""

import copy


def at(spec: dict, name: str) -> dict:
    """Return the figure's JSON with the frame `name` laid over it, and its sliders standing there.

    This is what plotly draws when it animates to that frame.
    """
    spec = copy.deepcopy(spec)
    frame = next(frame for frame in spec["frames"] if frame["name"] == name)
    changes = frame.get("data", [])
    for place, change in zip(frame.get("traces", range(len(changes))), changes, strict=False):
        _lay_over(spec["data"][place], change)
    _lay_over(spec["layout"], frame.get("layout", {}))
    for control in spec["layout"].get("sliders", []):
        names = [frame_of(step) for step in control["steps"]]
        if name in names:
            control["active"] = names.index(name)
    return spec


def standing(spec: dict) -> list[str]:
    """Return the frames at which the sliders stand."""
    steps = [_active(control) for control in spec["layout"].get("sliders", [])]
    names = [frame["name"] for frame in spec.get("frames", [])]
    return [frame_of(step) for step in steps if frame_of(step) in names]


def label(spec: dict) -> str:
    """Return in words where the sliders stand: "depth N = 48"."""
    sliders = spec["layout"].get("sliders", [])
    return ", ".join(
        control.get("currentvalue", {}).get("prefix", "") + _active(control)["label"] for control in sliders
    )


def frame_of(step: dict) -> str | None:
    """Return the one frame that a slider's step shows, if that is what it does."""
    args = step.get("args") or [None]
    one = step.get("method") == "animate" and isinstance(args[0], list) and len(args[0]) == 1
    return args[0][0] if one else None


def _active(control: dict) -> dict:
    return control["steps"][control.get("active", 0)]


def _lay_over(target: dict, changes: dict) -> None:
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _lay_over(target[key], value)
        else:
            target[key] = value
