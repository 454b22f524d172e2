"""Submitted notebooks for the tests of grading: good ones, wrong ones, and every kind of trouble."""

import json

import example_exercises as examples

GRADED = [examples.softmax, examples.rms_norm, examples.mend_rms, examples.bytes_moved, examples.why_rms]
ALL_POINTS = 2 + 2 + 3 + 1

SOFTMAX = (
    "def softmax(x):\n    e = (x - x.amax(-1, keepdim=True)).exp()\n    return e / e.sum(-1, keepdim=True)"
)
RMS_NORM = """def rms_norm(x, gain, eps):
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    rms = (wide.square().mean(-1, keepdim=True) + eps).sqrt()
    return (wide / rms * gain).to(x.dtype)"""
MEND_RMS = RMS_NORM.replace("rms_norm", "mend_rms") + '\n\ncause = "b"'
BYTES = "rows = 4096\nbytes_moved = 2 * rows * rows * 2 / 2**20"
WHY = 'why_rms = "It leaves out the mean, quality is as good, and it moves fewer bytes."'
SETUP = "%load_ext autoreload\nimport torch\nimport no_such_package\nfrom torch import nn\n1 / 0"


def notebook(**answers) -> str:
    """Return a notebook with the right answers, except those given (None: the cell is missing)."""
    right = (SOFTMAX, RMS_NORM, MEND_RMS, BYTES, WHY)
    sources = {each.id: source for each, source in zip(GRADED, right, strict=True)}
    sources |= {f"examples.{name}": source for name, source in answers.items()}
    cells = [cell(SETUP)] + [
        cell(text, name.replace(".", "-")) for name, text in sources.items() if text is not None
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def cell(source: str, grade_id: str = "") -> dict:
    """Return a code cell, marked as an answer if it has a `grade_id`."""
    marked = {"nbgrader": {"grade_id": grade_id, "solution": True}} if grade_id else {}
    return {"cell_type": "code", "metadata": marked, "source": source, "outputs": [], "execution_count": None}


WRONG_EPS = """def rms_norm(x, gain, eps):
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    return (wide / (wide.square().mean(-1, keepdim=True).sqrt() + eps) * gain).to(x.dtype)"""
LOOP = "def rms_norm(x, gain, eps):\n    while True:\n        pass"
LOOP_AT_TOP = "while True:\n    pass"
BOMB = "def rms_norm(x, gain, eps):\n    return torch.ones(10 * 2**30)"
BOMB_AT_TOP = "hoard = []\nwhile True:\n    hoard.append(torch.ones(2**22))"
CRASH = "def rms_norm(x, gain, eps):\n    import ctypes\n    return ctypes.string_at(0)"
KILLER = "import os, signal\ndef rms_norm(x, gain, eps):\n    os.kill(os.getppid(), signal.SIGKILL)"
FORGER = """class Yes(torch.Tensor):
    def __eq__(self, other): return True
    def __sub__(self, other): return 0
def rms_norm(x, gain, eps):
    import os, sys
    from glassbox.learn.exercise import Exercise, State, Verdict
    Verdict.passed = property(lambda self: True)
    torch.allclose = torch.equal = lambda *a, **k: True
    for descriptor in range(3, 40):
        try: os.write(descriptor, b"passed" * 100)
        except OSError: pass
    return Yes()"""
PEEKER = """def rms_norm(x, gain, eps):
    from glassbox.norms import exercises
    return exercises.rms_norm.solution(x, gain, eps)"""

# name -> (content, points, what the remark says)
TROUBLE = {
    "wrong.ipynb": (notebook(rms_norm=WRONG_EPS), ALL_POINTS - 2, "eps is added outside the square root"),
    "stub.ipynb": (notebook(rms_norm=examples.rms_norm.starter()), ALL_POINTS - 2, "not attempted yet"),
    "missing.ipynb": (notebook(rms_norm=None), ALL_POINTS - 2, "no answer cell"),
    "syntax.ipynb": (notebook(rms_norm="def rms_norm(x:\n"), ALL_POINTS - 2, "SyntaxError"),
    "crash.ipynb": (notebook(rms_norm=CRASH), ALL_POINTS - 2, "ended the whole Python process"),
    "loop.ipynb": (notebook(rms_norm=LOOP), ALL_POINTS - 2, "did not finish"),
    "bomb.ipynb": (notebook(rms_norm=BOMB), ALL_POINTS - 2, "memory"),
    "bomb_at_top.ipynb": (notebook(rms_norm=BOMB_AT_TOP), ALL_POINTS - 2, "memory"),
    "killer.ipynb": (notebook(rms_norm=KILLER), ALL_POINTS - 2, "returned None"),
    "tamperer.ipynb": (notebook(rms_norm=FORGER), ALL_POINTS - 2, ""),
    "empty.ipynb": ("", 0, ""),
    "text.ipynb": ("this is no notebook", 0, ""),
    "cells.ipynb": ('{"cells": 3}', 0, ""),
    "answers.docx": ("words", 0, ""),
}
