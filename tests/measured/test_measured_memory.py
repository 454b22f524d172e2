"""What a call keeps and holds, in bytes that can be counted by hand."""

import torch
from glassbox.measured.memory import kept_bytes, peak_bytes

X = torch.ones(1000)


def test_the_peak_counts_what_lives_at_one_moment():
    assert peak_bytes(lambda: X + 1) == 4000
    assert peak_bytes(lambda: (X + 1) * 2) == 8000  # the sum dies when the product is there
    assert peak_bytes(lambda: ((X + 1) * 2) * 3) == 8000
    assert peak_bytes(lambda: [X + 1, X + 2, X + 3]) == 12000


def test_a_view_is_free_and_a_storage_counts_once():
    assert peak_bytes(lambda: X.view(10, 100).T) == 0
    assert peak_bytes(lambda: X.clone().add_(1).view(10, 100)) == 4000


def leaf(size=1000):
    return torch.ones(size, requires_grad=True)


def test_kept_is_what_the_backward_pass_reads():
    x = leaf()
    assert kept_bytes(lambda: x + 1) == 0
    assert kept_bytes(lambda: x.exp()) == 4000  # its result
    assert kept_bytes(lambda: x.sin()) == 4000  # its input
    assert kept_bytes(lambda: x * leaf()) == 8000
    assert kept_bytes(lambda: X * X) == 0  # no gradient is asked for


def test_what_two_operations_keep_counts_once():
    x = leaf()
    assert kept_bytes(lambda: (x.sin(), x.cos())) == 4000
    assert kept_bytes(lambda: (x[:10].sin(), x[10:20].sin())) == 4000  # views hold the storage of the whole
    assert kept_bytes(lambda: x.exp().exp()) == 8000
