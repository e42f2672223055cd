"""What modules keep of the heap after their import. Start reading at `main`."""

import gc

from counting import tell


def used():
    """Live octets."""
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


def main(names):
    """Tell by how much the heap has grown; collected early, as firmware/ and `ipsec.connect` do it."""
    before = used()
    gc.threshold(4096)
    for name in names:
        __import__(name)
    tell(heap=used() - before)
