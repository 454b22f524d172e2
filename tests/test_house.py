"""The architecture as a test: arrows, rooms, names, sizes, and what an import may cost."""

import ast
import importlib
import inspect
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from glassbox.publish.text_rules import MACHINE_PATH

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "lib" / "glassbox"
TOPICS = tuple(
    """
    norms ffn attention positions tokens models pretraining decoding lora sft alignment flash moe
    quantization serving parallel vision evaluation
    """.split()  # noqa: SIM905
)
RANK = {"paths": 0, "arguments": 0, "machine": 1, "tiny": 2, "measured": 3, "draw": 3, "learn": 3}
RANK |= {topic: 4 + place for place, topic in enumerate(TOPICS)}
RANK |= {"publish": 50, "suite": 51, "benchmarks": 51, "cli": 52, "__main__": 53}
# room -> rooms of the same topic that it must not know
CLOSED = {"reference": {"kernels", "api"}, "kernels": {"reference", "api"}}
HEAVY = ("triton", "plotly", "ipywidgets", "matplotlib")
TAKEN = {"triton", "torch", "peft", "transformers", "tokenizers", "types", "yaml"}
MOST_LINES_IN_A_FILE, MOST_LINES_IN_A_FUNCTION = 300, 40
MOST_SECONDS = 0.3

BUILT = [topic for topic in TOPICS if (PACKAGE / topic / "__init__.py").exists()]


# ---- arrows


def imports(path: Path, package: Path) -> set[str]:
    """Return the dotted names inside glassbox that a module imports, relative ones resolved."""
    here = ["glassbox", *path.relative_to(package).parent.parts]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            module = ".".join(base + ([node.module] if node.module else []))
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith("glassbox.")}


def part(path: Path, package: Path) -> str:
    """Return the folder or module of the package that a file belongs to."""
    return path.relative_to(package).parts[0].removesuffix(".py")


def modules(package: Path) -> Iterator[Path]:
    """Yield every Python file below `package`, except the package's own first line."""
    return (path for path in sorted(package.rglob("*.py")) if path != package / "__init__.py")


def arrows_up(package: Path) -> list[str]:
    """Return every import that does not point down, and every part without a place."""
    wrong = []
    for path in modules(package):
        own = part(path, package)
        others = {name.split(".")[1] for name in imports(path, package)} - {own}
        wrong += [f"{own} has no rank" for _ in [0] if own not in RANK]
        wrong += [f"{own}/{path.name} imports {other}" for other in others if not below(other, own)]
    return sorted(set(wrong))


def below(other: str, own: str) -> bool:
    """Tell whether `own` may import `other`."""
    return other in RANK and RANK[other] < RANK.get(own, 0)


def closed_doors(package: Path) -> list[str]:
    """Return the imports between rooms of a topic that must not know each other."""
    wrong = []
    for path in modules(package):
        for name in imports(path, package):
            _, topic, room, *_ = [*name.split("."), ""]
            own = Path(*path.relative_to(package).parts[1:2]).stem  # a room is a file or a folder
            if topic == part(path, package) in TOPICS and room in CLOSED.get(own, ()):
                wrong.append(f"{topic}/{path.name} imports {room}")
    return wrong


def test_arrows_point_down():
    assert arrows_up(PACKAGE) == []


def test_definition_and_kernels_do_not_know_each_other():
    assert closed_doors(PACKAGE) == []


def test_publish_is_used_by_the_command_alone():
    users = {part(path, PACKAGE) for path in modules(PACKAGE) if "publish" in str(imports(path, PACKAGE))}
    assert users <= {"publish", "cli"}


@pytest.fixture
def tree(tmp_path):
    """Return a function that writes a fake package from file name -> source."""

    def write(**files):
        package = tmp_path / "glassbox"
        for name, source in files.items():
            path = package.joinpath(*name.split("__")).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, encoding="utf-8")
        return package

    return write


@pytest.mark.parametrize(
    "name, source, said",
    [
        ("norms__api", "from glassbox.ffn import swiglu", "norms/api.py imports ffn"),
        ("norms__api", "def f():\n    import glassbox.cli", "norms/api.py imports cli"),
        ("norms__api", "from ..attention import x", "norms/api.py imports attention"),
        ("machine__gpu", "from glassbox import draw", "machine/gpu.py imports draw"),
        ("tiny__model", "from glassbox.norms import rms_norm", "tiny/model.py imports norms"),
        ("draw__heat", "from glassbox.learn import x", "draw/heat.py imports learn"),
        ("arguments", "from glassbox.paths import root", "arguments/arguments.py imports paths"),
        ("norms__api", "from glassbox.unknown import x", "norms/api.py imports unknown"),
        ("helpers__x", "", "helpers has no rank"),
    ],
)
def test_an_arrow_that_points_up_is_seen(name, source, said, tree):
    assert arrows_up(tree(**{name: source})) == [said]


def test_arrows_that_point_down_pass(tree):
    source = (
        "import torch\nfrom glassbox.norms.api import rms_norm\nfrom . import api\nfrom ..draw import bars"
    )
    assert arrows_up(tree(ffn__figures=source)) == []


@pytest.mark.parametrize(
    "source", ["from glassbox.norms.api import x", "from . import kernels", "from .kernels import a"]
)
def test_an_opened_door_is_seen(source, tree):
    assert len(closed_doors(tree(norms__reference=source))) == 1
    assert closed_doors(tree(norms__reference="from glassbox.arguments import x")) == []
    assert len(closed_doors(tree(norms__kernels__forward="from glassbox.norms.reference import x"))) == 1


# ---- what an import costs

PROBE = """
import sys, time
import torch
before = set(sys.modules)
start = time.process_time()
import glassbox.{topic}
seconds = time.process_time() - start
loaded = {{name.split(".")[0] for name in set(sys.modules) - before}}
print(seconds, *sorted(loaded & set({heavy!r})))
"""


def cost(topic: str) -> tuple[float, list[str]]:
    """Return the processor seconds that a topic adds to `import torch`, and the heavy packages it brings."""
    probe = [sys.executable, "-c", PROBE.format(topic=topic, heavy=HEAVY)]
    seconds, *heavy = subprocess.run(probe, capture_output=True, text=True, check=True).stdout.split()
    return float(seconds), heavy


@pytest.mark.parametrize("topic", BUILT)
def test_importing_a_topic_is_cheap(topic):
    runs = []
    for _ in range(9):  # three are enough on an idle machine
        runs.append(cost(topic))
        if len(runs) >= 3 and min(runs)[0] <= MOST_SECONDS:
            break
    assert min(runs)[0] <= MOST_SECONDS
    assert [heavy for _, heavy in runs if heavy] == []


def test_the_probe_sees_what_is_heavy():
    seconds, heavy = cost("draw.base")
    assert heavy == ["plotly"] and seconds > 0


# ---- names, sizes, docstrings


def dependencies() -> set[str]:
    """Return the import names of what pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    names = [re.match(r"[\w.-]+", line)[0] for group in groups for line in group]
    return {name.lower().replace("-", "_") for name in names} | TAKEN


def shadows(package: Path) -> list[str]:
    """Return the folders and modules that carry a dependency's name."""
    names = {
        path.relative_to(package): path.stem for path in package.rglob("*") if path.suffix in ("", ".py")
    }
    return sorted(str(path) for path, name in names.items() if name in dependencies())


def too_long(package: Path) -> list[str]:
    """Return the files and functions beyond the limits; lines of docstrings do not count in functions."""
    wrong = []
    for path in sorted(package.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if (lines := len(source.splitlines())) > MOST_LINES_IN_A_FILE:
            wrong.append(f"{path.name}: {lines} lines")
        for node in ast.walk(ast.parse(source)):
            if (
                isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
                and length(node) > MOST_LINES_IN_A_FUNCTION
            ):
                wrong.append(f"{path.name}: {node.name} has {length(node)} lines")
    return wrong


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function without its docstring."""
    first = function.body[0]
    docstring = (
        first.end_lineno - first.lineno + 1 if ast.get_docstring(function, clean=False) is not None else 0
    )
    return function.end_lineno - function.lineno + 1 - docstring


def undocumented(name: str) -> list[str]:
    """Return the public functions and classes of a package that have no docstring of their own."""
    package = importlib.import_module(name)
    public = [(each, getattr(package, each)) for each in getattr(package, "__all__", ())]
    return [each for each, what in public if callable(what) and not (inspect.getdoc(what) or "").strip()]


def packages() -> list[str]:
    """Return the dotted names of the package and its folders."""
    folders = sorted(path.parent for path in PACKAGE.rglob("__init__.py"))
    return [".".join(("glassbox", *folder.relative_to(PACKAGE).parts)) for folder in folders]


def test_no_name_shadows_a_dependency():
    assert shadows(PACKAGE) == []


def test_a_shadow_is_seen(tree):
    package = tree(norms__triton="", torch__x="", draw__plotly="", norms__kernels="")
    assert [Path(name).stem for name in shadows(package)] == ["plotly", "triton", "torch"]


def test_files_and_functions_are_short():
    assert too_long(PACKAGE) == []


def test_a_long_function_and_a_long_file_are_seen(tree):
    body = '    """' + "Words.\n" * 30 + '    """\n' + "    x = 1\n" * 39
    assert too_long(tree(norms__api=f"def f():\n{body}")) == []
    assert too_long(tree(norms__api=f"def f():\n{body}    x = 1\n")) == ["api.py: f has 41 lines"]
    assert too_long(tree(norms__api="x = 1\n" * 301)) == ["api.py: 301 lines"]


@pytest.mark.parametrize("name", packages())
def test_public_names_have_docstrings(name):
    assert undocumented(name) == []


def test_a_missing_docstring_is_seen(tmp_path, monkeypatch):
    source = '__all__ = ["f", "g", "SIZE"]\nSIZE = 3\ndef f():\n    pass\ndef g():\n    """Return."""\n'
    (tmp_path / "undocumented_package.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert undocumented("undocumented_package") == ["f"]


# ---- what git holds


def git(*arguments: str) -> subprocess.CompletedProcess:
    """Run git on this checkout, whoever owns it."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs git and a checkout: this is a copy without history")
    return subprocess.run(
        ["git", "-c", "safe.directory=*", "-c", "core.quotePath=false", *arguments],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip


def tracked() -> list[Path]:
    """Return the files that git holds and that are there."""
    listed = git("ls-files", "-z")
    assert listed.returncode == 0, listed.stderr
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def machine_paths(path: Path) -> list[str]:
    """Return the lines of a text file that name a folder of one machine; other files have none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return []
    return [
        f"{path.name}:{number}" for number, line in enumerate(lines, start=1) if MACHINE_PATH.search(line)
    ]


def test_no_tracked_text_names_a_folder_of_one_machine():
    assert [line for path in tracked() for line in machine_paths(path)] == []


def test_a_machine_path_is_seen(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("fine and/or good\nsee " + "/" + "home/someone/x\n", encoding="utf-8")
    assert machine_paths(path) == ["a.md:2"]
    path.write_bytes(b"\xff\xfe\x00")
    assert machine_paths(path) == []


def test_git_holds_the_package():
    held = set(tracked())
    assert {PACKAGE / "__init__.py", PACKAGE / "paths.py"} <= held
    for folder in ("lib/glassbox", "lib/glassbox/norms", "notebooks", "data/weights", "tests"):
        ignored = git("check-ignore", "--no-index", "-q", f"{folder}/some_file.py")
        assert ignored.returncode == 1, f"an ignore file drops {folder}/: see .gitignore"


def test_an_ignored_folder_is_seen():
    assert git("check-ignore", "--no-index", "-q", "tests/artifacts/some_file.py").returncode == 0
