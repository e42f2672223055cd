"""A short torture of TCP; `python -m host_tests.inet.torture` is the long one."""

import random

from host_tests.inet import torture


def test_connections_leave_nothing_behind():
    said = torture.connections(300, random.Random(7))
    assert all(end in said for end in torture.ENDS)


def test_segments_never_raise():
    assert torture.segments(15000, random.Random(7)).startswith("15000 segments")
