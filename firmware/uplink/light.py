"""A light that blinks the state: so many flashes, then a pause. 1: no network, 2: no tunnel; up: a glint every five seconds.

Start reading at `Light.run`.
"""

import asyncio

UP, NO_NETWORK, NO_TUNNEL = 0, 1, 2


class Light:
    """The state of the program, shown on a pin if there is one."""

    def __init__(self, pin: str):
        self.state = NO_NETWORK
        self._pin = _open(pin) if pin else None

    async def run(self):
        """Blink for ever."""
        while self._pin is not None:
            for _ in range(self.state or 1):
                self._pin.value(1)
                await asyncio.sleep_ms(200 if self.state else 30)
                self._pin.value(0)
                await asyncio.sleep_ms(200)
            await asyncio.sleep_ms(1000 if self.state else 4700)


def _open(name):
    import machine

    return machine.Pin(int(name) if name.isdigit() else name, machine.Pin.OUT, value=0)
