"""What a unit test needs on both interpreters, where pytest is not at hand.

Start reading at `raises`.
"""

import sys

from ipsec.micro import NO_KERNEL, native

# On a board every handshake costs tens of millions of instructions: long loops take larger steps there.
SLOW = sys.platform not in ("linux", "darwin", "win32")

try:
    from unittest import SkipTest as Skip  # pytest reports it as a skip
except ImportError:

    class Skip(Exception):
        """The test cannot run here; its text is the reason."""


def skip(reason):
    """End the running test as skipped, for a reason that is printed."""
    raise Skip(reason)


def kernels(viper, *names):
    """The modules with these kernels that this interpreter has: in viper, named by its module, and in C. Skips without one."""
    found = []
    try:
        found.append(__import__(viper, None, None, ["x"]))
    except NO_KERNEL:
        pass
    if native and all(hasattr(native, name) for name in names):
        found.append(native)
    return found or skip("no kernels on this interpreter")


def raises(kind, call, *args, text=""):
    """Call and return the exception, which must be of this kind and contain this text."""
    try:
        call(*args)
    except kind as e:
        assert text in str(e), "%r lacks %r" % (str(e), text)
        return e
    raise AssertionError("%s not raised" % kind.__name__)


def with_locked_heap(function, argument):
    """Return `function(argument)`, during which nothing can be allocated; CPython has nothing to lock."""
    try:
        from micropython import heap_lock, heap_unlock
    except ImportError:
        return function(argument)
    heap_lock()
    try:
        return function(argument)
    finally:
        heap_unlock()
