# Known answers, then the time of each suite's steps; prints JSON. Runs on the board.
# IKE, ESP: names and their numbers; REPEAT: packets per measurement; LEN: octets of a packet.
# TUNNEL: seconds of traffic, 0 for none.
import gc
import json
import os
import time

gc.collect()
gc.threshold(4096)  # what loading leaves behind must not scatter the library over the whole heap

from ipsec.crypto import backend  # noqa: E402
from ipsec.errors import CryptoError, LocalError  # noqa: E402

_out = {"report": backend.report(), "esp": [], "ike": [], "missing": [], "tunnel": None}


def _us(action, times):
    gc.collect()
    start = time.ticks_us()
    for _ in range(times):
        action()
    return time.ticks_diff(time.ticks_us(), start) / times


def _aead(encr, bits, integ):
    """Microseconds to seal and to open one packet of LEN octets."""
    encr_len, integ_len, iv_len, icv_len, block = backend.sizes(encr, bits, integ)
    keys = os.urandom(encr_len), os.urandom(integ_len)
    sealer = backend.new_sealer(encr, integ, *keys)
    opener = backend.new_opener(encr, integ, *keys)
    text_end = 8 + iv_len + LEN // block * block  # noqa: F821
    buf = bytearray(text_end + icv_len)
    seal = _us(lambda: sealer.seal(buf, 0, 8, text_end, None), REPEAT)  # noqa: F821
    sealed = bytes(buf)
    if opener.open(buf, 0, 8, len(buf), None) != text_end:
        raise CryptoError("what was sealed does not open")

    def action():
        buf[:] = sealed
        opener.open(buf, 0, 8, len(buf), None)

    return seal, _us(action, REPEAT)  # noqa: F821


def _key_exchange(group):
    """Milliseconds for a key pair and a shared secret."""
    gc.collect()
    start = time.ticks_ms()
    own = backend.new_dh(group, os.urandom)
    middle = time.ticks_ms()
    other = backend.new_dh(group, os.urandom).public
    again = time.ticks_ms()
    own.shared(other)
    return time.ticks_diff(middle, start), time.ticks_diff(time.ticks_ms(), again)


def _each(suites, measure, out):
    for name, numbers in suites:
        try:
            out.append([name] + list(measure(numbers)))
        except ImportError as e:
            _out["missing"].append([name, str(e)])
        except CryptoError as e:
            _out["missing"].append([name, str(e)])


def _measure_esp(s):
    backend.self_test(s[0], s[2])
    return _aead(s[0], s[1], s[2])


def _measure_ike(s):
    backend.self_test(s[0], s[2])
    return _key_exchange(s[4]) + _aead(s[0], s[1], s[2])


def _tunnel():
    """Connect, ping, and send for some seconds."""
    import ipsec

    start = time.ticks_ms()
    tunnel = ipsec.connect("ipsec.json")
    try:
        connect = time.ticks_diff(time.ticks_ms(), start)
        trips = [t for t in (tunnel.ping(PEER) for _ in range(5)) if t is not None]  # noqa: F821
        sock = tunnel.socket()
        data = bytes(1200)
        sent = 0
        start = time.ticks_ms()
        while time.ticks_diff(time.ticks_ms(), start) < TUNNEL * 1000:  # noqa: F821
            try:
                sock.sendto(data, (PEER, 9))  # noqa: F821
                sent += len(data)
            except OSError as e:
                if e.args[0] != 111:  # ECONNREFUSED: the peer has told that nobody listens there, which is no matter
                    raise
            tunnel.poll(0)
        ms = time.ticks_diff(time.ticks_ms(), start)
    finally:
        tunnel.close()
    return {"connect_ms": connect, "ping_ms": sorted(trips), "sent_kbit_s": sent * 8 // max(1, ms)}


_each(ESP, _measure_esp, _out["esp"])  # noqa: F821
_each(IKE, _measure_ike, _out["ike"])  # noqa: F821
if TUNNEL:  # noqa: F821
    try:
        _out["tunnel"] = _tunnel()
    except (LocalError, OSError) as e:
        _out["tunnel"] = {"error": str(e)}
gc.collect()
_out["free"] = gc.mem_free()
print(json.dumps(_out))
