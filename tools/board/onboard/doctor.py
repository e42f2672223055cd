# Looks at what a tunnel needs, step by step; prints [name, "ok" | "warn" | "bad" | "skip", text, remedy] lists as JSON.
# Runs on the board. INIT is an IKE_SA_INIT request that any responder answers somehow.
import gc
import json
import sys
import time

_OLDEST = (1, 22, 0)
_HEAP = 90000  # octets that import, handshake and buffers take with the core
_found = []


def _say(name, state, text, remedy=""):
    _found.append([name, state, text, remedy])
    return state != "bad"


def _modules():
    for name, what in (("cryptolib", "AES"), ("hashlib", "SHA-256"), ("socket", "UDP"), ("asyncio", "the application")):
        try:
            __import__(name)
            _say(name, "ok", "there")
        except ImportError:
            _say(name, "bad", "missing: no %s" % what, "flash the stock firmware of a board with a network")


def _firmware():
    v = sys.implementation.version[:3]
    machine = getattr(sys.implementation, "_machine", sys.platform)
    text = "%s %d.%d.%d on %s" % (sys.implementation.name, v[0], v[1], v[2], machine)
    if v < _OLDEST:
        _say("firmware", "bad", text, "older than 1.22: flash a newer one")
    else:
        _say("firmware", "ok", text)


def _memory():
    gc.collect()
    free = gc.mem_free()
    if free < _HEAP:
        _say("heap", "warn", "%d octets free" % free, "fewer than %d: load less, or use a board with more RAM" % _HEAP)
    else:
        _say("heap", "ok", "%d octets free" % free)


def _clock():
    year = time.localtime()[0] if hasattr(time, "localtime") else 0
    if year < 2025:
        _say("clock", "warn", "the year is %d" % year, "fine with a PSK; certificates need the time: use ntptime first")
    else:
        _say("clock", "ok", "the year is %d" % year)


def _library():
    try:
        import ipsec.config
        from ipsec.errors import LocalError
    except ImportError as e:
        _say("library", "bad", "does not load: %s" % e, "give `install`")
        return None
    except ValueError as e:
        _say("library", "bad", "a .mpy file is for another chip: %s" % e, "remove it and give `install`")
        return None
    _say("library", "ok", "loads")
    try:
        c = ipsec.config.load("ipsec.json")
    except LocalError as e:
        _say("configuration", "bad", str(e), "give `provision`")
        return None
    text = "; ".join(c.warnings) or "gateway %s, we are %s" % (c.gateway, c.local_id)
    _say("configuration", "warn" if c.warnings else "ok", text)
    return c


def _crypto(c):
    from ipsec.crypto import backend
    from ipsec.errors import CryptoError

    try:
        for encr, integ in {(s[0], s[2]) for s in c.ike_proposals + c.esp_proposals}:
            backend.self_test(encr, integ)
    except ImportError as e:
        return _say("crypto", "bad", "a module is missing: %s" % e, "give `install --config FILE` with this configuration")
    except CryptoError as e:
        return _say("crypto", "bad", str(e), "take this suite out of the configuration and report it")
    return _say("crypto", "ok", backend.report())


def _network():
    try:
        import network
    except ImportError:
        return _say("network", "skip", "no module network: the link is not ours to look at")
    if not hasattr(network, "WLAN"):
        return _say("network", "skip", "no WiFi in this firmware")
    nic = network.WLAN(network.STA_IF)
    if not nic.active() or not nic.isconnected():
        text = "WiFi is not connected (status %s)" % nic.status()
        return _say("network", "bad", text, "check wifi_ssid and wifi_password in [device]")
    address, mask, router, dns = nic.ifconfig()
    if router == "0.0.0.0":
        return _say("network", "bad", "address %s, but no route" % address, "the DHCP server must give a router")
    return _say("network", "ok", "WiFi, address %s, router %s, DNS %s" % (address, router, dns))


def _ask(info, port):
    """Whether anything answers an IKE_SA_INIT on this port; port 4500 wants four zero octets in front (RFC 3948 2.2)."""
    import select
    import socket

    s = socket.socket(info[0], socket.SOCK_DGRAM)
    try:
        poller = select.poll()
        poller.register(s, 1)
        s.connect(info[-1])  # so that a refusal by ICMP is told
        for _ in range(3):
            s.send((b"" if port == PORTS[0] else bytes(4)) + INIT)  # noqa: F821
            if poller.poll(WAIT_MS):  # noqa: F821
                s.recv(2000)
                return True
        return False
    finally:
        s.close()


def _gateway(c):
    global PORTS
    import socket

    PORTS = (c.port, c.natt_port)
    for port in PORTS:
        try:
            info = socket.getaddrinfo(c.gateway, port, 0, socket.SOCK_DGRAM)[0]
        except OSError as e:
            return _say("gateway", "bad", "name %r is not found (%s)" % (c.gateway, e), "check the name and the DNS server")
        try:
            answered = _ask(info, port)
        except OSError as e:
            _refused(c, port, e)
            continue
        if answered:
            _say("UDP %d" % port, "ok", "%s answers" % c.gateway)
        else:
            remedy = "let firewalls pass UDP %d both ways; is the daemon running?" % port
            _say("UDP %d" % port, "bad", "%s does not answer" % c.gateway, remedy)


def _refused(c, port, e):
    if e.args[0] in (111, 104):  # ECONNREFUSED, ECONNRESET
        remedy = "start the IKE daemon there, or mend `port` and `natt_port`"
        return _say("UDP %d" % port, "bad", "%s refuses the port" % c.gateway, remedy)
    if e.args[0] in (101, 113, 118):  # ENETUNREACH, EHOSTUNREACH (Linux, lwIP)
        return _say("UDP %d" % port, "bad", "no route to %s (%s)" % (c.gateway, e), "check address, router and gateway")
    return _say("UDP %d" % port, "bad", "%s (%s)" % (c.gateway, e), "check the network")


gc.collect()
gc.threshold(4096)  # what loading leaves behind must not scatter the library over the whole heap
_firmware()
_modules()
_memory()
_clock()
_c = _library()
if _c:
    _crypto(_c)
if _network() and _c:
    _gateway(_c)
print(json.dumps(_found))
