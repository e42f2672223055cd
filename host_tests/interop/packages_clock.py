"""What every board has, and the unix port has not: the clock that aiomqttc sets."""

import sys


class Rtc:
    """`machine.RTC`, which stands still."""

    def datetime(self):
        return (2026, 1, 1, 0, 0, 0, 0, 0)


if sys.implementation.name == "micropython":
    sys.modules["machine"] = type("machine", (), {"RTC": Rtc})  # type: ignore[assignment]
