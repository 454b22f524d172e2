"""What kernels are held to: whatever can be wrong fails with its own message, and nothing else does."""

import json
from dataclasses import replace

import aot_kernels as kernels
import pytest
import torch
from aot import assert_ready, needs_triton
from glassbox.machine.inspecting import baseline, faults, inspect
from glassbox.machine.inspecting.__main__ import main
from glassbox.machine.inspecting.records import again, path_of, record, recorded, stored

WHERE = "aot_kernels:good"


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A checkout with an empty data folder."""
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("GLASSBOX_ROOT", str(tmp_path))
    return tmp_path


@pytest.fixture
def written(root):
    """The baseline of the good kernels on sm_90, in the checkout."""
    baseline.write_baseline("things", ("sm_90",), WHERE)
    return root / "data" / "registers" / "things.json"


def check(*pairs, **options):
    """Return the faults of these (name, Launch) pairs on sm_90."""
    return faults("things", lambda arch: pairs, ("sm_90",), **options)


@needs_triton
def test_good_kernels_pass_and_the_command_writes_their_baseline(root, capsys):
    assert main(["check", "things", "--variants", WHERE, "--arch", "sm_90"]) == 1
    assert "data/registers/things.json is missing; write it with `python -m" in capsys.readouterr().out
    assert main(["baseline", "things", "--variants", WHERE, "--arch", "sm_90"]) == 0
    assert main(["check", "things", "--variants", WHERE, "--arch", "sm_90"]) == 0
    assert capsys.readouterr().out == "things.json\nevery kernel as it should be\n"
    assert_ready("things", kernels.good, ("sm_90",))
    stored = json.loads((root / "data" / "registers" / "things.json").read_text(encoding="utf-8"))
    assert list(stored["kernels"]["add"]["sm_90"]) == ["registers", "shared_bytes", "vector_loads"]
    assert stored["provenance"]["command"].endswith("baseline things --variants aot_kernels:good")
    assert stored["provenance"]["compiler"].startswith("Triton 3.")


@needs_triton
@pytest.mark.parametrize(
    ("call", "said"),
    [
        (kernels.spilling(), "spills: 4"),
        (kernels.greedy(), "cannot be launched: 393,216 of 232,448 bytes of shared memory"),
        (kernels.call(kernels.refused, kernels.meta(64), 64), "refused does not compile for sm_90: Boolean"),
        (kernels.call(kernels.narrow, kernels.meta(4096), 4096, BLOCK=128), "no 128-bit load though its arg"),
        (kernels.multiplying(), "planted is not"),
    ],
)
def test_each_fault_has_its_own_message(call, said, written):
    found = check(("planted", call))
    if said == "planted is not":
        assert found == ["planted on sm_90: not in data/registers/things.json; write it with `python -m "
                         "glassbox.machine.inspecting baseline things`"]  # fmt: skip
    else:
        assert found[0].startswith(f"planted on sm_90: {said}") and len(found) <= 2
        with pytest.raises(AssertionError, match="planted on sm_90"):
            assert_ready("things", lambda arch: [("planted", call)], ("sm_90",))


@needs_triton
def test_a_spill_may_be_allowed_by_name_and_wide_loads_asked_for_or_not(written):
    calls = ("spiller", kernels.spilling()), ("odd", kernels.adding(n=4098))
    assert not any("spills" in fault for fault in check(calls[0], may_spill=["spiller"]))
    assert any("spills" in fault for fault in check(calls[0], may_spill=["odd"]))
    assert not any("128-bit" in fault for fault in check(calls[1]))
    assert any("128-bit" in fault for fault in check(calls[1], streaming=lambda name, launch: name == "odd"))


@needs_triton
@pytest.mark.parametrize(
    ("what", "factor", "fault"),
    [
        ("registers", 1.2, True),
        ("registers", 0.85, True),
        ("registers", 1.05, False),
        ("shared_bytes", 2, True),
        ("vector_loads", 3, False),
    ],
)
def test_registers_and_shared_memory_stay_within_a_tenth(what, factor, fault, written):
    rows = json.loads(written.read_text(encoding="utf-8"))
    for arches in rows["kernels"].values():
        arches["sm_90"][what] = round(arches["sm_90"][what] * factor)
    written.write_text(json.dumps(rows), encoding="utf-8")
    found = check(("matmul", kernels.multiplying()))
    assert len(found) == fault
    assert not fault or (what in found[0] and "if that is meant, write it again with `python -m" in found[0])


@needs_triton
def test_the_loss_of_wide_loads_is_seen(written):
    (found,) = check(("add", kernels.adding(n=4098)))
    assert "lost its 128-bit loads: 4 in data/registers/things.json" in found


@needs_triton
def test_a_dot_that_misses_the_tensor_cores_is_seen():
    found = inspect(kernels.multiplying())
    without = replace(found, sass="\n".join(line for line in found.sass.splitlines() if "MMA" not in line))
    assert list(baseline._faults(found, False, False)) == []
    assert list(baseline._faults(without, False, False)) == ["1 dots but no tensor-core instruction"]


@needs_triton
def test_nothing_is_written_where_a_kernel_does_not_compile(root):
    with pytest.raises(RuntimeError, match="refused does not compile"):
        baseline.write_baseline("things", ("sm_90",), "aot_kernels:not_good")
    assert not (root / "data" / "registers").exists()


def test_what_allows_wide_loads():
    assert baseline.aligned("", kernels.adding()) and baseline.aligned("", kernels.adding(offset=4))
    assert not baseline.aligned("", kernels.adding(offset=1))
    assert not baseline.aligned("", kernels.adding(n=4098))
    half = kernels.meta(24, dtype=torch.bfloat16)
    assert not baseline.aligned("", kernels.call(kernels.add, half[4:], half, half, 16, BLOCK=16))
    assert baseline.aligned("", kernels.call(kernels.add, half[8:], half, half, 16, 1, BLOCK=16))


# Stored inspections


@needs_triton
def test_what_is_recorded_is_what_a_fresh_compilation_gives(root):
    path = record("things", "matmul", source=WHERE)
    assert path == root / "data" / "inspections" / "things" / "matmul.sm_90.json"
    assert recorded("things/matmul") == again("things/matmul") == inspect(kernels.multiplying())
    assert stored() == [("things/matmul", "sm_90")]
    made = json.loads(path.read_text(encoding="utf-8"))["provenance"]
    assert made["command"].endswith("record things 'matmul' --arch sm_90 --variants aot_kernels:good")
    assert made["compiler"] == recorded("things/matmul").compiler and len(made["date"]) == 10


@needs_triton
def test_the_command_records_and_shows(root, capsys):
    assert main(["record", "things", "add", "--variants", WHERE, "--arch", "sm_80"]) == 0
    assert recorded("things/add", "sm_80").arch == "sm_80"
    assert main(["show", "things", "add", "--variants", WHERE]) == 0
    assert "add on sm_90" in capsys.readouterr().out
    with pytest.raises(ValueError, match="variant: expected one of add, matmul; came 'nothing'"):
        main(["show", "things", "nothing", "--variants", WHERE])


@needs_triton
def test_every_stored_inspection_is_what_its_kernel_compiles_to_now():
    """With the compiler that made it, to the letter; with another, the same kernel."""
    stale = []
    for name, arch in stored():
        kept, now = recorded(name, arch), again(name, arch)
        same = (
            kept == now
            if kept.compiler == now.compiler
            else (kept.kernel, kept.dots) == (now.kernel, now.dots)
        )
        stale += [f"{name} {arch}"] * (not same)
    assert stale == [], "record them again: the command is in each file's provenance"


def test_a_name_that_is_not_stored_is_refused(root):
    with pytest.raises(ValueError, match=r"name: expected one of \[\]; came 'a/b' for 'sm_80'"):
        recorded("a/b", "sm_80")


def test_names_become_file_names(root):
    assert path_of("norms/rms norm: bf16, 4096", "sm_90").name == "rms-norm-bf16-4096.sm_90.json"
