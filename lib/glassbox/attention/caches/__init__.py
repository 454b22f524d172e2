"""Caches of keys and values: contiguous, paged, and a sliding window with sinks, each with one `append`."""

from glassbox.attention.caches.contiguous import ContiguousCache
from glassbox.attention.caches.paged import PagedCache
from glassbox.attention.caches.sinks import SinkCache
from glassbox.attention.caches.visible import Visible, may_look, places

__all__ = ["ContiguousCache", "PagedCache", "SinkCache", "Visible", "may_look", "places"]
