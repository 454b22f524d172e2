"""Fixtures of the norms tests."""

import jaxtyping
import pytest


@pytest.fixture
def shapes_as_types_off():
    """Let our own messages answer: the run-time check of shapes as types would come first."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)
