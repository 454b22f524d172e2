"""What an inspection found: facts, counts and texts of one compiled kernel."""

import html
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from glassbox.machine.inspecting.chips import CHIPS, fitting

# Opcodes: NVIDIA, CUDA Binary Utilities, tables of instructions (docs.nvidia.com/cuda/cuda-binary-utilities)
_TENSOR_CORE = r"([HIDBQO]MMA|[HIQB]GMMA|UTC\w*MMA)\b"
_TMA = r"(UTMALDG|UTMASTG|UTMAREDG|UBLKCP|UBLKRED)\b"
_WIDE_LOAD = r"(LDG|LD|LDGSTS)\..*\b(128|256)\b"
_WIDE_STORE = r"(STG|ST)\..*\b(128|256)\b"
_WIDE_PTX = re.compile(
    r"ld\.global\S*\.(?:v4\.\w?32|v2\.\w?64)|cp\.async\.cg\.shared\.global[^;]*, (?:0x10|16)\b"
)
_ATOMIC = r"(ATOM|ATOMG|RED|REDG|UTMAREDG|UBLKRED)\b"
_SPILL = r"(STL|LDL)\b"
_OPCODE = re.compile(r"\s*(?:@!?\w+\s+)?([A-Z]\S*)")
_NOTEWORTHY = rf"(LDG|LDGSTS|STG)\.|{_TENSOR_CORE}|{_TMA}"


@dataclass(frozen=True, repr=False)
class Inspection:
    """One kernel, compiled for one architecture.

    `registers` are those of one thread; `stack_bytes` is local memory of one thread, 0 unless it spills;
    `shared_bytes` is what one program asks for; `dots` counts the `tl.dot` in the source that a tensor core
    can do; `num_warps` includes the warps that warp specialisation adds. `sass` is empty where the kernel
    was not disassembled; then only registers, stack, shared memory and loads are known.
    """

    kernel: str
    arch: str
    num_warps: int
    registers: int
    stack_bytes: int
    shared_bytes: int
    dots: int
    compiler: str
    ptx: str
    sass: str

    @property
    def shared_limit(self) -> int:
        """Return the most shared memory that one program can have on this architecture, in bytes."""
        return CHIPS[self.arch].shared_per_program

    @cached_property
    def _instructions(self) -> tuple[tuple[str, str, str], ...]:
        """Return (line, opcode, source) of every instruction."""
        found = ((line, _OPCODE.match(line)) for line in self.sass.splitlines())
        return tuple((line, match[1], line.partition("// ")[2]) for line, match in found if match)

    @property
    def opcodes(self) -> tuple[str, ...]:
        """Return the full opcode of every instruction, in order."""
        return tuple(opcode for _, opcode, _ in self._instructions)

    @property
    def mix(self) -> dict[str, int]:
        """Return how often each operation occurs in the program text, the most frequent first."""
        counts = Counter(opcode.split(".")[0] for opcode in self.opcodes)
        return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))

    @property
    def tensor_core(self) -> int:
        """Return the number of tensor-core instructions."""
        return self._count(_TENSOR_CORE)

    @property
    def tma(self) -> int:
        """Return the number of block copies by the Tensor Memory Accelerator."""
        return self._count(_TMA)

    @property
    def vector_loads(self) -> int:
        """Return the number of loads from global memory of at least 128 bits per thread."""
        return self._count(_WIDE_LOAD) if self.sass else sum(1 for _ in _WIDE_PTX.finditer(self.ptx))

    @property
    def vector_stores(self) -> int:
        """Return the number of stores to global memory of at least 128 bits per thread."""
        return self._count(_WIDE_STORE)

    @property
    def atomics(self) -> int:
        """Return the number of atomic operations and reductions in global memory."""
        return self._count(_ATOMIC)

    @property
    def spills(self) -> int:
        """Return the number of stores to and loads from local memory: registers that did not suffice."""
        return self._count(_SPILL)

    @property
    def warp_specialised(self) -> bool:
        """Tell whether warps take different roles and trade registers."""
        return self._count("USETMAXREG") > 0

    @property
    def fits(self) -> bool:
        """Tell whether one program can be launched at all."""
        return self.programs_per_sm > 0

    @property
    def programs_per_sm(self) -> int:
        """Return how many programs run on one SM at a time (see `limits` for the formula)."""
        return min(self.limits.values())

    @property
    def occupancy(self) -> float:
        """Return the share of an SM's warp places that this kernel can fill.

        programs_per_sm * num_warps / warps_per_sm
        """
        return self.programs_per_sm * self.num_warps / CHIPS[self.arch].warps_per_sm

    @property
    def limits(self) -> dict[str, int]:
        """Return how many programs fit on an SM by registers, shared memory, warps and the chip's own limit.

        The formula is in `chips.fitting`.
        """
        return fitting(self.arch, self.registers, self.shared_bytes, self.num_warps)

    @property
    def by_line(self) -> dict[str, dict[str, int]]:
        """Return, for each line of the kernel's source, the opcodes that it became and how often."""
        found: dict[str, Counter] = {}
        for _, opcode, source in self._instructions:
            found.setdefault(source, Counter())[opcode] += 1
        return {source: dict(counts.most_common()) for source, counts in found.items()}

    def excerpt(self, *words: str, lines: int = 15) -> str:
        """Return the instructions whose opcode begins with one of `words`, in at most `lines` lines of text.

        Without words: loads and stores of global memory, tensor cores and TMA. Each line begins with the
        number of such instructions in a row that share opcode and source; the first of them is shown.
        """
        pattern = "|".join(map(re.escape, words)) or _NOTEWORTHY
        chosen = [one for one in self._instructions if re.match(pattern, one[1])]
        runs = [list(run) for _, run in groupby(chosen, key=lambda one: one[1:])]
        out = [f"{len(run):>4} x {run[0][0]}" for run in runs]
        if len(out) > lines:
            out = [*out[: lines - 1], f"     and {len(out) - lines + 1} more"]
        return "\n".join(out)

    def rows(self) -> list[tuple[str, str]]:
        """Return the facts and counts as pairs of name and text."""
        by_resource = ", ".join(f"{name} {count}" for name, count in self.limits.items())
        return [
            ("registers per thread", str(self.registers)),
            ("spills", f"{self.spills} instructions, {self.stack_bytes} bytes" if self.spills else "none"),
            ("shared memory", f"{self.shared_bytes:,} of {self.shared_limit:,} bytes"),
            ("warps", f"{self.num_warps}" + (" in different roles" if self.warp_specialised else "")),
            ("programs per SM", f"{self.programs_per_sm} ({by_resource})"),
            ("128-bit loads, stores", f"{self.vector_loads}, {self.vector_stores}"),
            ("tensor core, TMA, atomics", f"{self.tensor_core}, {self.tma}, {self.atomics}"),
            ("instructions", f"{len(self.opcodes)}"),
        ]

    def __repr__(self) -> str:
        facts = (f"  {name}: {text}" for name, text in self.rows())
        return "\n".join([f"{self.kernel} on {self.arch}", *facts])

    def _repr_html_(self) -> str:
        head = f'<tr><th colspan="2">{html.escape(self.kernel)} on {self.arch}</th></tr>'
        body = "".join(
            f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(text)}</td></tr>'
            for name, text in self.rows()
        )
        return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"

    def _count(self, pattern: str) -> int:
        return sum(re.match(pattern, opcode) is not None for opcode in self.opcodes)
