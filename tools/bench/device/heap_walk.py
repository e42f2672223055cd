"""What of the library stays in the heap, by module and by kind, and what a tunnel adds.

Sizes are those of MicroPython on a 32-bit board, in blocks of 16 octets, worked out from what can be seen: the entries of a
dictionary in the steps in which it grows, functions, classes, instances, buffers; code and constants are not seen, which cost
nothing where they are frozen. What several modules have is counted where it is met first. Beside it stands by how much
`gc.mem_alloc` has grown while the module, with what it imports, was loaded. Start reading at `main`.
"""

import gc
import sys

from counting import tell

_STEPS = (0, 1, 2, 4, 6, 8, 10, 12, 17, 23, 29, 37, 47, 59, 73, 97, 127, 167, 223, 293, 389, 521, 683, 907, 1213)


def used():
    """Live octets."""
    gc.collect()
    return gc.mem_alloc()


def main(names, path):
    """Tell all modules one by one as they are loaded in this order, then a tunnel's objects; `path` is its configuration."""
    met = set()
    before = used()
    for name in names:
        __import__(name)
        grown = used() - before
        inside = sys.modules[name].__dict__
        kinds = {"module": 32 + _table(len(inside))}
        for key in inside:
            if not key.startswith("__"):
                _look(inside[key], kinds, met)
        tell(module=name, grown=grown, kinds=kinds)
        before = used()
    from ipsec.config import load

    config = load(path)
    before = used()
    from ipsec.drive.sync import Uplink

    uplink = Uplink(config)
    made = used()
    here = set(sys.modules)
    uplink.connect()
    up = used()
    sock = uplink.socket()
    bound = used()
    tell(made=made - before, up=up - made, socket=bound - up, later=sorted(set(sys.modules) - here))
    seen, found = set(), {}
    _walk(uplink, "uplink", seen, found)
    for name, octets in sorted(found.items(), key=lambda item: -item[1]):
        if octets >= 64:
            tell(object=name, octets=octets)
    sock.close()
    uplink.close()


def _blocks(octets):
    return (octets + 15) // 16 * 16


def _table(entries):
    """Of a dictionary with so many entries."""
    return _blocks(8 * min([n for n in _STEPS if n >= entries]))


def _count(kinds, kind, octets):
    kinds[kind] = kinds.get(kind, 0) + octets


def _look(thing, kinds, met):
    """Count what a module or a class holds, once."""
    kind = type(thing).__name__
    if kind in ("int", "str", "NoneType", "bool", "module") or id(thing) in met:
        return
    met.add(id(thing))
    if kind in ("function", "generator", "closure"):
        _count(kinds, "function", 16)
    elif kind == "type" and hasattr(thing, "__dict__"):
        inside = thing.__dict__
        _count(kinds, "class", 80 + _table(len(inside)))
        for key in inside:
            _look(inside[key], kinds, met)
    else:
        _count(kinds, kind, _size(thing))


def _size(thing):
    kind = type(thing).__name__
    if kind == "bytearray":
        return 16 + _blocks(len(thing))
    if kind == "tuple":
        return _blocks(8 + 4 * len(thing))
    if kind == "list":
        return 16 + _blocks(4 * max(4, len(thing)))
    if kind == "dict":
        return 16 + _table(len(thing))
    if kind in ("bytes", "str"):
        return 16 + _blocks(len(thing) + 1)
    return 0


def _walk(thing, name, seen, found):
    if id(thing) in seen:
        return
    kind = type(thing).__name__
    if kind in ("tuple", "list"):
        seen.add(id(thing))
        found[name] = found.get(name, 0) + _size(thing)
        for item in thing:
            _walk(item, name + "[]", seen, found)
    elif kind == "dict":
        seen.add(id(thing))
        found[name] = found.get(name, 0) + _size(thing)
        for item in thing.values():
            _walk(item, name + "{}", seen, found)
    elif kind in ("bytearray", "bytes", "str"):
        seen.add(id(thing))
        found[name] = found.get(name, 0) + _size(thing)
    elif hasattr(thing, "__dict__") and kind not in ("module", "type"):
        seen.add(id(thing))
        inside = thing.__dict__
        found[name] = found.get(name, 0) + 16 + _table(len(inside))
        for key in inside:
            _walk(inside[key], name + "." + key, seen, found)
