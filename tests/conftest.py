"""What every test relies on: one thread, so that two workers share two cores, and the same random cases."""

import inspect

import hypothesis
import jaxtyping
import pytest
import torch

torch.set_num_threads(1)
hypothesis.settings.register_profile("course", derandomize=True, deadline=None)
hypothesis.settings.load_profile("course")


@pytest.fixture(autouse=True)
def _own_messages_first(request):
    """Where a test expects an error, let our own message answer, before the check of annotations does."""
    before = jaxtyping.config.jaxtyping_disable
    expects_error = "raises(" in inspect.getsource(request.function)
    jaxtyping.config.update("jaxtyping_disable", before or expects_error)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)
