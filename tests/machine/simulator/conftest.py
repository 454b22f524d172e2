"""Make the sample kernels importable, and keep small matrix products on one thread."""

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two threads per 64 x 64 product only get in each other's way
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
