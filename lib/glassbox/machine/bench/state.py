"""How a GPU is doing: clocks, power cap, temperature and driver, as nvidia-smi reports them."""

from collections.abc import Callable

from glassbox.machine.gpu import output

# key of the record -> field of `nvidia-smi --query-gpu`
FIELDS = {
    "sm_clock_mhz": "clocks.sm",
    "memory_clock_mhz": "clocks.mem",
    "power_cap_w": "power.limit",
    "temperature_c": "temperature.gpu",
    "driver": "driver_version",
}


def read_state(name: str, read: Callable[..., str] = output) -> dict[str, float | str | None]:
    """Return the state of the first listed GPU of that name; None for what it does not report."""
    query = f"--query-gpu={','.join(['name', *FIELDS.values()])}"
    lines = read("nvidia-smi", query, "--format=csv,noheader,nounits").splitlines()
    listed = [[value.strip() for value in line.split(",")] for line in lines]
    own = [values for values in listed if values[0] == name and len(values) == len(FIELDS) + 1]
    values = own[0][1:] if own else [""] * len(FIELDS)
    return dict(zip(FIELDS, map(_number, values), strict=True)) | {"driver": values[-1] or None}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # [N/A], [Not Supported], and what is not there
        return None
