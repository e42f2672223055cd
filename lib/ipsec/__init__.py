"""IKEv2 and IPsec ESP for MicroPython and CPython: a secure uplink from a device to an ordinary IPsec gateway.

    import ipsec
    uplink = ipsec.connect("ipsec.json")
    sock = uplink.socket()
    sock.sendto(b"21.5", ("10.10.0.1", 5000))

Nothing is loaded before it is used. Start reading at `connect`, then `drive/sync.py`, then `tunnel.py`.
"""

__version__ = "0.1.0"


def connect(config, on_event=None, log=None, keylog=None, capture=False):
    """A connected `drive.sync.Uplink`; `config` is the path of a JSON file or a `config.Config`.

    With `capture` whoever imports `socket` from now on gets the tunnel's, until it is closed.

    Raises ConfigError, CryptoError, and ConnectError, whose texts name cause and remedy.
    """
    config = _checked(config)
    from ipsec.drive.sync import Uplink

    uplink = Uplink(config, on_event, log, keylog, capture)
    uplink.connect()
    return uplink


async def connect_async(config, on_event=None, log=None, keylog=None, capture=False):
    """The same for asyncio: a connected `drive.aio.Uplink`."""
    config = _checked(config)
    from ipsec.drive.aio import Uplink

    uplink = Uplink(config, on_event, log, keylog, capture)
    await uplink.connect()
    return uplink


def _checked(config):
    """The `Config` of a file: read before the rest is loaded, so that a board forgets what checks it before it needs the room."""
    if not isinstance(config, str):
        return config
    from ipsec.micro import Collecting

    with Collecting():
        from ipsec.config import load

        return load(config)
