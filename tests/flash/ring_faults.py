"""What a process of a ring may do wrong; in a module of its own, so that a new process can import it."""

import os
import time


def waits(job, receive, send):
    """Wait for the process before, for ever."""
    return receive.recv()


def dies(job, receive, send):
    """The second process ends at once, the others wait for it."""
    if job == 1:
        os._exit(3)
    return waits(job, receive, send)


def fails(job, receive, send):
    """The second process makes a mistake, the others wait for it."""
    if job == 1:
        raise ValueError("on purpose")
    return waits(job, receive, send)


def stalls(job, receive, send):
    """No process answers."""
    time.sleep(600)
