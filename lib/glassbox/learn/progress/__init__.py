"""What the learner did: one append-only log of events on this machine, from which everything is derived."""

from glassbox.learn.progress.place import folder, in_batch
from glassbox.learn.progress.store import Event, events, log
from glassbox.learn.progress.transfer import export_json, import_json

__all__ = ["Event", "events", "export_json", "folder", "import_json", "in_batch", "log"]
