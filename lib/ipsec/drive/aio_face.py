"""The asyncio driver as blocking sockets see one, for libraries that use `socket` in a program of asyncio.

A socket that does not wait is served by the driver's task, as long as the program awaits something; one that waits serves the
tunnel itself, and no other task runs meanwhile, as with the system's sockets. Start reading at `Face`.
"""

from ipsec.drive import base, sync


class Face:
    """What `Pollable` and its like want of an uplink, made of a `drive.aio.Uplink`."""

    wait_until = sync.Uplink.wait_until
    resolve = sync.Uplink.resolve

    def __init__(self, uplink):
        self._uplink = uplink

    def __getattr__(self, name: str):
        return getattr(self._uplink, name)

    def poll(self, timeout_ms: int = 0) -> None:
        """Nothing: asked by asyncio's own poll, in which tasks must not change. A datagram ends that poll."""

    def _step(self, limit_ms):
        uplink = self._uplink
        if uplink._udp.sock:
            uplink._udp.wait(uplink.wait_ms(limit_ms))
        else:
            sync.sleep_ms(uplink.wait_ms(limit_ms))
        base.Uplink.serve(uplink)  # here, as keys are made below, where the stack of a board ends
        uplink.plan()
