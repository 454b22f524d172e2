"""Compiler output made readable: no addresses, no encodings, no paths, each instruction beside its source."""

import re
from collections import defaultdict

Lines = dict[str, dict[int, str]]  # file -> line number -> the text of that line

_INSTRUCTION = re.compile(r"^\s*/\*[0-9a-f]+\*/\s+(?P<guard>@!?\w+)?\s*(?P<rest>.*?)\s*;?$")
_LABEL = re.compile(r"^(\.L_\w+):")
_PLACE = re.compile(r'^\s*//## File "(?P<file>.*?)", line (?P<line>\d+)')
_LOC = re.compile(r"^\s*\.loc\s+\d+ \d+ \d+\s+// (?P<chain>.+)$")
_STEP = re.compile(r"([^\s\[\]]+):(\d+):\d+")
_TARGET = re.compile(r"`\(([^)]*)\)")
_DROPPED = re.compile(r"^\s*(\.loc|\.file|//|\$L__(tmp|func_begin|func_end|info)\w*:|\}?\s*$)")
_WIDTH = 56


def sass_listing(disassembly: str, ptx: str, lines: Lines) -> str:
    """Return the instructions of nvdisasm's text, each followed by the kernel's line that it came from."""
    out: list[str] = []
    callers = _callers(ptx, lines)
    source = ""
    for line in disassembly.splitlines():
        if place := _PLACE.match(line):
            source = _source(place["file"], int(place["line"]), lines, callers)
        elif label := _LABEL.match(line):
            out.append(f"{label[1]}:")
        elif (found := _INSTRUCTION.match(line)) and found["rest"] != "NOP":
            operation = _TARGET.sub(r"\1", found["rest"])
            text = f"{found['guard'] or '':>5} {operation}"
            out.append(f"{text:<{_WIDTH}} // {source}" if source else text)
    return "\n".join(_without_guard(out)) + "\n"


def ptx_listing(ptx: str) -> str:
    """Return PTX without line tables, remarks and empty lines."""
    out = []
    for line in ptx.split("\t.section\t", 1)[0].splitlines():
        if line.startswith("}"):
            out.append("}")
        elif not _DROPPED.match(line):
            out.append(re.sub(r"\s*//.*$", "", line).expandtabs(4))
    return "\n".join(line for line in out if line.strip()) + "\n"


def _without_guard(out: list[str]) -> list[str]:
    """Drop the endless loop that the assembler puts behind a kernel, and labels that nothing jumps to."""
    kept = [
        line
        for place, line in enumerate(out)
        if not (place and out[place - 1].endswith(":") and f"BRA {out[place - 1][:-1]} " in f"{line} ")
    ]
    targets = set(re.findall(r"\.L_\w+", "\n".join(line for line in kept if not line.endswith(":"))))
    return [line for line in kept if not line.endswith(":") or line[:-1] in targets]


def _source(file: str, line: int, lines: Lines, callers: dict) -> str:
    """Return the kernel's line behind a place; for one in Triton's own library, the line that called it."""
    if file in lines:
        return lines[file].get(line, "")
    name = base(file)
    found = callers.get((name, line), set())
    return next(iter(found)) if len(found) == 1 else name


def _callers(ptx: str, lines: Lines) -> dict[tuple[str, int], set[str]]:
    """Return, for each place named in PTX, the kernel's lines that led there."""
    known = {(base(file), line): text for file, texts in lines.items() for line, text in texts.items()}
    found = defaultdict(set)
    for line in ptx.splitlines():
        if loc := _LOC.match(line):
            chain = [(base(file), int(number)) for file, number in _STEP.findall(loc["chain"])]
            own = [known[step] for step in chain if step in known]
            if chain and own:
                found[chain[0]].add(own[0])
    return found


def base(file: str) -> str:
    """Return the name of a file without its folders."""
    return re.split(r"[/\\]", file)[-1]
