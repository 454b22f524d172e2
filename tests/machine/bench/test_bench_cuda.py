"""The clock of a GPU, on a stand-in for torch.cuda that logs what is queued."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch
from glassbox.machine.bench import cuda
from glassbox.machine.bench.protocol import Provider, Timer, measure


class Device:
    """Events, streams and graphs that only log; every queued thing takes a millisecond."""

    def __init__(self):
        self.queue, self.current = [], "default"
        device = self

        class Event:
            """An event that remembers its place in the queue."""

            def __init__(self, enable_timing=False):
                self.timing = enable_timing

            def record(self):
                """Queue the mark on the current stream."""
                assert self.timing
                self.at = len(device.queue)
                device.queue.append((device.current, "mark"))

            def elapsed_time(self, end):
                """Return the milliseconds between two marks."""
                return float(end.at - self.at)

        self.api = SimpleNamespace(
            Event=Event,
            Stream=lambda: Stream("own"),
            stream=self.on,
            graph=lambda graph, stream: self.on(stream, f"capture {graph.name}"),
            CUDAGraph=lambda: SimpleNamespace(name="g", replay=lambda: self.add("replay g")),
            current_stream=lambda: Stream(self.current),
            synchronize=lambda: self.add("wait"),
        )

    def add(self, what):
        """Queue something on the current stream."""
        self.queue.append((self.current, what))

    @contextmanager
    def on(self, stream, what=None):
        """Make a stream current."""
        before, self.current = self.current, stream.name
        if what:
            self.add(what)
        yield
        self.current = before


class Stream(SimpleNamespace):
    """A stream with a name."""

    def __init__(self, name):
        super().__init__(name=name, wait_stream=lambda other: None)


@pytest.fixture
def device(monkeypatch):
    """Return a logging device in the place of torch's."""
    made = Device()
    buffers = []

    def empty(count, dtype, device):
        buffers.append((count, device))
        return SimpleNamespace(zero_=lambda: made.add(f"clear {count}"))

    stand_in = SimpleNamespace(cuda=made.api, empty=empty, int8=torch.int8)
    monkeypatch.setattr(cuda, "torch", stand_in)
    made.buffers = buffers
    return made


def test_a_call_lies_between_its_marks_and_the_clearing_before_them(device):
    timer = cuda.CudaTimer(l2_bytes=2**28)
    assert isinstance(timer, Timer) and device.buffers == [(2**29, "cuda")]
    with timer.session():
        measure({"a": Provider(lambda: device.add("call"))}, timer, repetitions=2, warm_up=1)
    words = [what for stream, what in device.queue if stream == "own"]
    cycle = [f"clear {2**29}", "mark", "call", "mark"]
    new = ["mark", "mark"]  # events are made before the clearing, once
    assert words == new + cycle + ["wait"] + cycle + new + cycle + ["wait"]
    assert {stream for stream, _ in device.queue} == {"own"}


def test_times_are_between_start_and_stop(device):
    timer = cuda.CudaTimer(l2_bytes=0)
    with timer.session():
        for _ in range(2):
            timer.clear()
            timer.start()
            device.add("call")
            device.add("call")
            timer.stop()
        assert timer.read() == [3.0, 3.0] and timer.read() == []


def test_a_graph_is_captured_on_the_stream_of_the_timer(device):
    timer = cuda.CudaTimer(l2_bytes=0)
    with timer.session():
        replay = timer.capture(lambda: device.add("call"))
        replay()
        replay()
    assert device.queue == [("own", "capture g"), ("own", "call"), ("own", "replay g"), ("own", "replay g")]
