# Looks at what a tunnel needs, then makes it; prints [name, "ok" | "warn" | "bad" | "skip", text, remedy] lists as JSON.
# Runs on the board. INIT is an IKE_SA_INIT request that any responder answers somehow, WAIT_MS how long its answer may take,
# PEER an address inside that answers ping, or "", OLDEST the version of MicroPython that lib/ needs. A cause is named once: the
# ports are looked at when the tunnel fails.
import gc
import json
import sys
import time

_LONGEST = 1440  # of a packet inside: what fits into 1500 octets outside is less
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
    if v < OLDEST:  # noqa: F821
        _say("firmware", "bad", text, "older than %d.%d: flash a newer one" % OLDEST[:2])  # noqa: F821
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
        _say("library", "bad", "does not load: %s" % e, "give `ipsec-board install`")
        return None
    except ValueError as e:
        _say("library", "bad", "a .mpy file is for another chip: %s" % e, "remove it and give `ipsec-board install`")
        return None
    _say("library", "ok", "loads")
    try:
        c = ipsec.config.load("ipsec.json")
    except LocalError as e:
        _say("configuration", "bad", str(e), "give `ipsec-board provision`")
        return None
    text = "; ".join(c.warnings) or "gateway %s, we are %s" % (c.gateway, c.local_id)
    _say("configuration", "warn" if c.warnings else "ok", text)
    return c


def _crypto(c):
    from ipsec.crypto import backend
    from ipsec.errors import CryptoError

    try:
        from ipsec.offer import fill

        fill(c, backend)
        for encr, integ in {(e[0], p.integs[0] if p.integs else 0) for p in c.ike_offer + c.esp_offer for e in p.ciphers}:
            backend.self_test(encr, integ)
            backend.unload()
    except ImportError as e:
        return _say("crypto", "bad", "a module is missing: %s" % e, "give `ipsec-board install --config FILE` with this file")
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


def _tunnel(c):
    """The configured tunnel: handshake, ping, the longest packet that passes, Delete."""
    from ipsec.drive.sync import Uplink
    from ipsec.errors import LocalError

    wanted = c.mtu
    c.mtu = _LONGEST  # to see how much passes; the configuration on the board stays
    c.reconnect = False
    c.retransmit_tries = min(c.retransmit_tries, 3)
    start = time.ticks_ms()
    try:
        uplink = Uplink(c)
        uplink.connect()
    except LocalError as e:
        return _no_tunnel(c, getattr(e, "cause", ""), str(e))
    try:
        text = "up in %d ms, our address %s" % (time.ticks_diff(time.ticks_ms(), start), uplink.address or "inside is our own")
        _say("tunnel", "ok", text)
        _ping(uplink, wanted)
        uplink.close()
        return _say("close", "ok", "the gateway was told (Delete)")
    except (LocalError, OSError) as e:
        return _say("tunnel", "bad", "it went down again: %s" % e, "see the gateway's log")


def _no_tunnel(c, cause, text):
    """One cause: what the ports say, where the gateway was silent; else what it, or the library, has said."""
    if cause == "timeout" and not _gateway(c):
        return False
    head, _, remedy = text.partition(": ")
    return _say("tunnel", "bad", head, remedy or "see the gateway's log")


def _inside():
    """Addresses that might answer a ping: the one of the command, who gets the readings."""
    if PEER:  # noqa: F821
        return PEER  # noqa: F821
    try:
        with open("settings.json") as f:
            return json.load(f).get("publish_host", "")
    except (OSError, ValueError):
        return ""


def _ping(uplink, wanted):
    from ipsec.address import is_address

    peer = _inside()
    if not is_address(peer):
        return _say("ping", "skip", "no address inside is known", "name one that answers with --peer")
    lengths = []  # of datagrams outside
    send = uplink._udp.send
    uplink._udp.send = lambda buf, pos, end, port: (lengths.append(end - pos), send(buf, pos, end, port))
    start = time.ticks_ms()
    if not any(_passes(uplink, peer, 128) for _ in range(3)):
        remedy = "the gateway must forward, its firewall let the tunnel's packets through, and %s know the way back" % peer
        return _say("ping", "warn", "%s does not answer through the tunnel" % peer, remedy)
    _say("ping", "ok", "%s answers, %d ms" % (peer, time.ticks_diff(time.ticks_ms(), start)))
    headers = 4 + (28 if uplink._udp._family == 2 else 48)  # IP and UDP outside, and what padding may add
    return _path(uplink, peer, wanted, min(_LONGEST, 1500 - headers - (max(lengths) - 128)))


def _passes(uplink, peer, n):
    """Whether an inner packet of n octets comes back."""
    stack = uplink.stack
    answered = stack.echo_replies
    if stack.ping(peer, n - (48 if ":" in peer else 28)):
        return False
    uplink.drain()
    return uplink.wait_until(lambda: stack.echo_replies != answered, 1000) or False


def _path(uplink, peer, wanted, most):
    """The longest inner packet that passes both ways, by halves; 576 always should."""
    low, high = 128, most & ~3
    trial = high
    while low < high:
        if _passes(uplink, peer, trial) or _passes(uplink, peer, trial):
            low = trial
        else:
            high = trial - 4
        trial = (low + high + 4) // 2 & ~3
    text = "packets of %d octets pass" % low
    if low < wanted:
        return _say("path", "warn", "%s, mtu is %d" % (text, wanted), "write into [tunnel]: mtu = %d" % max(576, low))
    more = "; mtu = %d would use them" % low if low > wanted + 16 else ""
    return _say("path", "ok", "%s, mtu is %d%s" % (text, wanted, more))


def _gateway(c):
    """Whether the gateway's ports are open, and its name known."""
    global PORTS
    import socket

    fine = True
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
            fine = False
            continue
        if answered:
            _say("UDP %d" % port, "ok", "%s answers" % c.gateway)
        else:
            remedy = "let firewalls pass UDP %d both ways; is the daemon running?" % port
            fine = _say("UDP %d" % port, "bad", "%s does not answer" % c.gateway, remedy)
    return fine


def _refused(c, port, e):
    if e.args[0] in (111, 104):  # ECONNREFUSED, ECONNRESET
        remedy = "start the IKE daemon there, or correct `port` and `natt_port`"
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
_able = not _c or _crypto(_c)
if _network() and _c and _able:
    _tunnel(_c)
print(json.dumps(_found))
