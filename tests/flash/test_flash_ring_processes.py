"""Ring attention in real processes: it equals the whole, and no fault leaves a process behind."""

import multiprocessing
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
import ring_faults
import torch
from glassbox.attention.masks import causal, sliding_window
from glassbox.flash import experiments, ring_processes, tiled_attention
from glassbox.flash.reference.tiled import joined
from glassbox.flash.ring import place
from glassbox.flash.ring_processes import Attended, Job, attend_in_ring, ring_attention_processes, run_ring
from glassbox.tiny.seeds import normal

HERE = Path(__file__).parent


def inputs(t=7, n=10):
    return normal((2, 4, t, 3), 0), normal((2, 2, n, 3), 1), normal((2, 2, n, 5), 2)


def close(got, expected):
    return all(torch.allclose(a, b, rtol=1e-12, atol=1e-12) for a, b in zip(got, expected, strict=True))


def no_child():
    return multiprocessing.active_children() == []


def test_three_processes_equal_the_whole_and_each_meets_every_shard():
    run = ring_attention_processes(*inputs(), 3, causal=True, window=6)
    assert close(run.attended, tiled_attention(*inputs(), causal() & sliding_window(6)))
    assert run.met == ((0, 7, 4), (4, 0, 7), (7, 4, 0))
    keys = [(4, 3), (3, 4), (3, 3)]  # the shards that each hands on
    assert run.sent == tuple(sum(rows) * (2 * 2 * (3 + 5) * 8 + 8) for rows in keys)
    assert no_child()


def threaded(processes, case, **rules):
    """What `attend_in_ring` returns in each rank, in threads of this process."""
    pipes = [multiprocessing.Pipe(duplex=False) for _ in range(processes)]
    found = [None] * processes
    options = {"causal": False, "window": None, "scale": 3**-0.5} | rules

    def work(rank, device):
        arrays = [tuple(x.contiguous().numpy() for x in part) for part in (device.queries, device.keys)]
        job = Job(rank, processes, *arrays, **options)
        found[rank] = attend_in_ring(job, pipes[rank][0], pipes[(rank + 1) % processes][1])

    threads = [threading.Thread(target=work, args=each) for each in enumerate(place(*case, processes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    parts = [Attended(*map(torch.from_numpy, each["attended"])) for each in found]
    return joined(parts, case[0])


RULES = [({}, None), ({"causal": True}, causal()), ({"window": 2}, sliding_window(2))]


@pytest.mark.parametrize("processes", [1, 2, 5])
@pytest.mark.parametrize("rules, mask", RULES)
def test_the_work_of_the_processes_equals_the_whole(rules, mask, processes):
    assert close(threaded(processes, inputs(), **rules), tiled_attention(*inputs(), mask))


@pytest.mark.parametrize(
    "broken",
    [
        lambda rank, keys, receive, send: keys,  # nothing travels
        lambda rank, keys, receive, send: (*keys[:2], ring_processes_exchange(rank, keys, receive, send)[2]),
    ],
)
def test_keys_that_stay_or_lose_their_place_are_seen(broken, monkeypatch):
    monkeypatch.setattr(ring_processes, "exchange", broken)
    assert not close(threaded(2, inputs(n=8), causal=True), tiled_attention(*inputs(n=8), causal()))


ring_processes_exchange = ring_processes.exchange


def passed_round(exchange, processes=3):
    """Who handed each rank more than a pipe holds, or None where all wait; in threads of this process."""
    pipes, came = [multiprocessing.Pipe(duplex=False) for _ in range(processes)], [None] * processes

    def work(rank):
        with suppress(OSError, EOFError):
            ends = pipes[rank][0], pipes[(rank + 1) % processes][1]
            came[rank] = exchange(rank, (rank, bytes(1 << 20)), *ends)[0]

    threads = [threading.Thread(target=work, args=(rank,), daemon=True) for rank in range(processes)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 2
    while any(thread.is_alive() for thread in threads) and time.monotonic() < until:
        time.sleep(0.01)
    return came


def test_more_than_a_pipe_holds_travels_round():
    assert passed_round(ring_processes.exchange) == [2, 0, 1]
    assert passed_round(ring_processes.exchange, 2) == [1, 0]


def test_if_all_sent_first_all_would_wait_for_ever():
    assert passed_round(lambda rank, keys, receive, send: send.send(keys) or receive.recv()) == [None] * 3


@pytest.mark.parametrize(
    "fault, error, said",
    [
        (ring_faults.dies, RuntimeError, r"process 1 ended without a result \(exit code 3\)"),
        (ring_faults.fails, RuntimeError, r"process 1 failed: ValueError\('on purpose'\)"),
    ],
)
def test_a_process_that_dies_or_fails_is_named_and_ends_all(fault, error, said):
    started = time.monotonic()
    with pytest.raises(error, match=said):
        run_ring(fault, [0, 1], 60)
    assert time.monotonic() - started < 50 and no_child()


def test_a_process_that_does_not_answer_is_ended():
    started = time.monotonic()
    with pytest.raises(TimeoutError, match=r"process 0 of 2 gave no answer within 0.2 s"):
        run_ring(ring_faults.stalls, [0, 1], 0.2)
    assert time.monotonic() - started < 20 and no_child()


def run_script(folder, source):
    """Start a script that can import the faults; what it starts holds its output open."""
    script = folder / "script.py"
    header = f"import sys\nsys.path.insert(0, {str(HERE)!r})\n"
    script.write_text(header + textwrap.dedent(source), encoding="utf-8")
    return subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_processes_end_with_a_parent_that_is_killed(tmp_path):
    parent = run_script(
        tmp_path,
        """
        import threading, time
        from ring_faults import stalls
        from glassbox.flash.ring_processes import run_ring
        if __name__ == "__main__":
            threading.Thread(target=run_ring, args=(stalls, [0], 600), daemon=True).start()
            time.sleep(3)
            print("up", flush=True)
            time.sleep(600)
        """,
    )
    assert parent.stdout.readline().strip() == b"up"
    parent.kill()
    parent.communicate(timeout=30)  # the output ends when nobody holds it any more


def test_a_script_without_a_guard_gets_advice_and_ends(tmp_path):
    script = run_script(
        tmp_path,
        """
        from ring_faults import waits
        from glassbox.flash.ring_processes import run_ring
        run_ring(waits, [0], 60)
        """,
    )
    output, _ = script.communicate(timeout=60)
    assert script.returncode == 1 and b"below `if __name__ == '__main__':`" in output


REFUSED = {
    "processes": ((11,), {}, ValueError, "processes: expected at most 10"),
    "no process": ((0,), {}, ValueError, "processes: expected a whole number"),
    "timeout": ((2,), {"timeout": 0}, ValueError, "timeout: expected"),
    "causal": ((2,), {"causal": causal()}, TypeError, "causal: expected True or False"),
    "window": ((2,), {"window": 0}, ValueError, "window: expected"),
    "scale": ((2,), {"scale": -1.0}, ValueError, "scale: expected"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_arguments_are_named_before_anything_starts(name):
    arguments, options, error, said = REFUSED[name]
    with pytest.raises(error, match=said):
        ring_attention_processes(*inputs(), *arguments, **options)
    assert no_child()


def test_tensors_of_another_device_are_refused():
    with pytest.raises(ValueError, match="q: expected tensors on the CPU"):
        ring_attention_processes(*(x.to("meta") for x in inputs()), 2)


def test_the_rows_say_what_travels():
    (row,) = experiments.ring_rows((2,), n=16, d=4)
    assert row["sent"] == row["formula"] == 8 * 8 * 9 and 0 <= row["gap"] < 1e-13 and row["shard"] == 8
    with pytest.raises(ValueError, match="a multiple of 3 processes"):
        experiments.ring_rows((3,), n=16)
