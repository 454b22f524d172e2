"""What every test relies on: one thread, so that two workers share two cores, and the same random cases."""

import hypothesis
import torch

torch.set_num_threads(1)
hypothesis.settings.register_profile("course", derandomize=True, deadline=None)
hypothesis.settings.load_profile("course")
