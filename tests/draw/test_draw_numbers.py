"""Numbers in a figure are short, plain and finite."""

import math

import numpy as np
import pytest
import torch
from glassbox.draw import rounded


def test_floats_keep_three_significant_digits():
    assert rounded([0.123456, 123456.0, -1e-9 / 3]) == [0.123, 123000.0, -3.33e-10]


def test_digits_can_be_chosen():
    assert rounded(math.pi, 5) == 3.1416


@pytest.mark.parametrize(
    "values", [np.array([[0.1, 2.0]], np.float32), torch.tensor([[0.1, 2.0]]), [(0.1, 2.0)]]
)
def test_arrays_and_tensors_become_plain_lists(values):
    assert rounded(values) == [[0.1, 2.0]]
    assert all(type(value) is float for value in rounded(values)[0])


def test_what_is_no_float_stays():
    assert rounded({"n": 1234567, "name": "post", "on": True, "gap": None}) == {
        "n": 1234567,
        "name": "post",
        "on": True,
        "gap": None,
    }


def test_a_number_that_is_not_finite_is_a_gap():
    assert rounded([math.nan, math.inf, 1.0]) == [None, None, 1.0]


def test_the_sign_of_zero_is_dropped():
    assert str(rounded(-0.0)) == "0.0"


def test_noise_in_the_last_bits_disappears():
    assert rounded(0.1 + 0.2) == rounded(0.3)
