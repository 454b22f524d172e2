"""The transparent GPU needs no Triton: the same tests pass in a process where it cannot be imported."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
HIDE = "import sys; sys.modules['triton'] = None"
CORE = ("memory", "races", "mistakes", "checks", "numerics", "arguments", "behaviour", "meters")


def run(code: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", f"{HIDE}\n{code}"], capture_output=True, text=True, check=False
    )


def test_the_tests_pass_where_triton_cannot_be_imported():
    files = [str(HERE / f"test_simulator_{name}.py") for name in CORE]
    done = run(f"import pytest; sys.exit(pytest.main({files!r} + ['-q', '-x', '-p', 'no:cacheprovider']))")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "skipped" not in done.stdout


def test_the_norm_kernels_run_where_triton_cannot_be_imported():
    folder = HERE.parents[1] / "norms"
    files = [str(folder / "test_norms_traffic.py"), str(folder / "test_norms_kernels.py")]
    chosen = ["-k", "not interpreter and not compiled", "-q", "-x", "-p", "no:cacheprovider"]
    done = run(f"import pytest; sys.exit(pytest.main({files + chosen!r}))")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "skipped" not in done.stdout


def test_the_stand_in_is_what_kernels_see():
    done = run(
        "from glassbox.machine import tl, triton\n"
        "assert triton.__name__ == 'glassbox.machine.triton_stub' and tl is triton.language\n"
        "assert triton.cdiv(7, 2) == 4 and triton.next_power_of_2(5) == 8\n"
        "assert triton.Config({'B': 1}).num_warps == 4\n"
        "@triton.jit\n"
        "def kernel(x_ptr, B: tl.constexpr): pass\n"
        "assert kernel.__name__ == 'kernel' and callable(kernel.fn)\n"
        "try: kernel[(1,)](None)\n"
        "except RuntimeError as error: print(error)\n"
    )
    assert done.returncode == 0, done.stderr
    assert "glassbox.machine.launch(kernel, grid, ...)" in done.stdout


def test_importing_the_machine_imports_nothing_heavy():
    heavy = "[m for m in ('triton', 'numpy', 'torch') if m in sys.modules]"
    code = f"import sys\nimport glassbox.machine\nprint({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
