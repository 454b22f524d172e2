"""The compiling process: one launch per line of JSON in, one answer per line out. Needs Triton, not torch.

Run as a script by `compilation`, never imported by the package.
"""

import __future__

import ast
import hashlib
import importlib
import json
import linecache
import os
import subprocess
import sys
import tempfile
import textwrap
import types
from pathlib import Path


class DType(str):
    """The name of a torch dtype, in the place of the dtype."""

    itemsize = 0


class Tensor:
    """What Triton asks of a tensor before it compiles."""

    def __init__(self, dtype: str, aligned: bool, itemsize: int = 0):
        self.dtype, self._address = DType(dtype), 0 if aligned else 4
        self.dtype.itemsize = itemsize

    def data_ptr(self) -> int:
        return self._address


class Crate:
    """The functions of one request, made again with the names that they refer to."""

    def __init__(self, entries: list[dict]):
        self.entries = entries
        self.made: dict[int, object] = {}
        for file in {entry["file"] for entry in entries}:
            linecache.cache[file] = self._file(file)

    def _file(self, file: str) -> tuple:
        """Return a cache entry that holds the known lines of a file; Triton reads the source from there."""
        lines: list[str] = []
        for entry in self.entries:
            if entry["file"] == file:
                source = entry["source"].splitlines(keepends=True)
                lines += ["\n"] * (entry["line"] - 1 + len(source) - len(lines))
                lines[entry["line"] - 1 : entry["line"] - 1 + len(source)] = source
        return sum(map(len, lines)), None, lines, file

    def function(self, number: int):
        """Return a jit function, made at first sight."""
        import triton

        if number not in self.made:
            entry = self.entries[number]
            function = defined(entry)
            function.__defaults__ = tuple(self.value(one) for one in entry["defaults"]) or None
            if entry["compile_time"]:
                self.made[number] = triton.constexpr_function(function)
            else:
                self.made[number] = triton.jit(function, **entry["options"])
            for path, value in entry["names"].items():
                placed(function.__globals__, path, self.value(value))
        return self.made[number]

    def value(self, described: list):
        """Return the value behind [kind, content...]."""
        kind, *content = described
        return getattr(self, f"_{kind}")(*content)

    def _plain(self, value):
        return value

    def _tensor(self, dtype, aligned):
        return Tensor(dtype, aligned)

    def _descriptor(self, dtype, itemsize, shape, strides, block_shape, padding):
        from triton.tools.tensor_descriptor import TensorDescriptor

        return TensorDescriptor(Tensor(dtype, True, itemsize), shape, strides, block_shape, padding)

    def _tuple(self, values):
        return tuple(map(self.value, values))

    def _list(self, values):
        return list(map(self.value, values))

    def _module(self, name):
        return importlib.import_module(name)

    def _attribute(self, module, name):
        return getattr(importlib.import_module(module), name)

    def _constexpr(self, value):
        from triton.language import constexpr

        return constexpr(self.value(value))

    def _dtype(self, name):
        from triton.language import dtype

        return dtype(name)

    def _function(self, number):
        return self.function(number)

    def _opaque(self, name):
        return type(name, (), {})()


def defined(entry: dict) -> types.FunctionType:
    """Return the plain function of an entry: its own file and lines, no decorators, nothing evaluated."""
    tree = ast.parse(textwrap.dedent(entry["source"]))
    ast.increment_lineno(tree, entry["line"] - 1)
    definition = tree.body[0]
    definition.decorator_list = []
    definition.args.defaults = [ast.copy_location(ast.Constant(None), d) for d in definition.args.defaults]
    world = {"__name__": entry["module"], "__builtins__": __builtins__}
    as_text = __future__.annotations.compiler_flag
    exec(compile(tree, entry["file"], "exec", flags=as_text, dont_inherit=True), world)
    function = world[entry["name"]]
    function.__qualname__, function.__annotations__ = entry["qualname"], dict(entry["annotations"])
    return function


def placed(world: dict, path: str, value) -> None:
    """Put a value under a name, or under a dotted name through modules made for it."""
    *modules, name = path.split(".")
    for module in modules:
        if not isinstance(world.get(module), types.ModuleType):
            world[module] = types.ModuleType(module)
        world = vars(world[module])
    world[name] = value


def specialised(kernel, arguments: list, options: dict, target):
    """Return the source and the options that the JIT would compile for these arguments.

    This is the one place that knows Triton's inner names; they are the same in 3.6 and 3.7.
    """
    from triton.compiler import ASTSource, make_backend
    from triton.runtime.jit import create_function_from_signature

    backend = make_backend(target)
    bind = create_function_from_signature(kernel.signature, kernel.params, backend)
    values, specialisation, extra = bind(*arguments, **options)
    options = {"debug": bool(kernel.debug), "instrumentation_mode": "", **options}
    packed = kernel._pack_args(backend, options, values, specialisation, extra)
    options, signature, constexprs, attributes = packed
    return ASTSource(kernel, signature, constexprs, attributes), options.__dict__


def compiled(request: dict, crate: Crate) -> dict:
    """Return the facts and texts of one compiled kernel."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.backends.nvidia.compiler import get_ptxas

    target = GPUTarget("cuda", request["arch"], 32)
    arguments = [crate.value(one) for one in request["arguments"]]
    source, options = specialised(crate.function(request["kernel"]), arguments, request["options"], target)
    made = triton.compile(source, target=target, options=options)
    wanted = request["disassemble"] or "mma" in made.asm["ptx"]
    usage, disassembly = read_cubin(made.asm["cubin"]) if wanted else (usage_of(made.asm["cubin"]), "")
    return {
        "num_warps": made.metadata.num_warps,
        "shared_bytes": made.metadata.shared,
        "compiler": f"Triton {triton.__version__}, ptxas {get_ptxas(request['arch']).version}",
        "name": made.metadata.name,
        "usage": usage,
        "disassembly": disassembly,
        "ptx": made.asm["ptx"],
        "ttir": made.asm["ttir"],
    }


def read_cubin(cubin: bytes) -> tuple[str, str]:
    """Return what cuobjdump says about resources and what nvdisasm says about instructions.

    Convention: nvdisasm takes half a second to start, so its answer is kept beside Triton's own cache.
    """
    import triton
    from triton import knobs

    folder = Path(os.environ["TRITON_CACHE_DIR"], "disassembled")
    kept = folder / hashlib.sha256(cubin + triton.__version__.encode()).hexdigest()
    if not kept.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        own = kept.with_suffix(f".{os.getpid()}")
        own.write_bytes(cubin)
        usage = said(knobs.nvidia.cuobjdump.path, "--dump-resource-usage", own)
        listing = said(knobs.nvidia.nvdisasm.path, "-ndf", "-c", "-g", own)
        own.write_text(json.dumps([usage, listing]), encoding="utf-8")
        own.replace(kept)  # whole or not at all: another process may be reading
    return tuple(json.loads(kept.read_text(encoding="utf-8")))


def usage_of(cubin: bytes) -> str:
    """Return what cuobjdump says about resources."""
    from triton import knobs

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "kernel.cubin")
        path.write_bytes(cubin)
        return said(knobs.nvidia.cuobjdump.path, "--dump-resource-usage", path)


def said(*command) -> str:
    """Return what a program prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def failure(error: Exception, crate: Crate) -> dict:
    """Return the innermost message of a failed compilation, with the function and line where it arose."""
    place, message = None, f"{type(error).__name__}: {error}"
    while error is not None:
        node, source = getattr(error, "node", None), getattr(error, "src", None)
        if node is not None and isinstance(source, str):
            place = crate_line(crate, source, node.lineno)
            message = getattr(error, "error_message", None) or message
        elif str(error):
            message = str(error)
        error = error.__cause__
    return {"error": message, "place": place}


def crate_line(crate: Crate, source: str, line: int) -> list | None:
    """Return [file, line] for a line of a function's source as Triton keeps it, from `def` on."""
    for number, made in crate.made.items():
        if getattr(made, "src", None) == source:
            entry = crate.entries[number]
            lines = entry["source"].splitlines()
            ahead = next(i for i, text in enumerate(lines) if text.lstrip().startswith("def "))
            return [entry["file"], entry["line"] + ahead + line - 1]
    return None


def answer(line: str) -> dict:
    """Return the answer to one request."""
    request = json.loads(line)
    crate = Crate(request["functions"])
    try:
        return compiled(request, crate)
    except Exception as error:
        return failure(error, crate)


def main() -> None:
    """Answer requests until the input ends; what kernels and compiler print goes to the log."""
    sys.modules["torch"] = None  # Triton would import it only to ask whether an argument is a torch dtype
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        print(json.dumps(answer(line)), file=answers, flush=True)


if __name__ == "__main__":
    main()
