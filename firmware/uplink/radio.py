"""The link to the outside network: WiFi, Ethernet, or one that is there already.

A radio has `up()`, a coroutine that returns when the link works, and `is_up()`. Start reading at `open_radio`.
"""

import asyncio


class RadioError(OSError):
    """The link did not come up; the text says what to look at."""


def open_radio(settings):
    """The radio that the settings name."""
    if settings.network == "wifi":
        return _Wifi(settings)
    if settings.network == "ethernet":
        return _Ethernet(settings)
    return _Present()


class _Present:
    """The link is somebody else's business: an emulated board, the unix port, or a boot.py that has brought it up."""

    def is_up(self) -> bool:
        return True

    async def up(self):
        pass


class _Nic:
    """What WiFi and Ethernet share: wait for the link, start anew when it does not come."""

    def __init__(self, settings):
        self._settings = settings
        self._nic = None

    def is_up(self) -> bool:
        return self._nic is not None and self._nic.isconnected()

    async def up(self):
        """Return when the link works. Raises RadioError after `network_timeout_s`; the next call starts from scratch."""
        if self.is_up():
            return
        self._nic = self._start()
        for _ in range(self._settings.network_timeout_s * 5):
            if self._nic.isconnected():
                return
            await asyncio.sleep_ms(200)
        text = self._failure()
        self._nic.active(False)
        self._nic = None
        raise RadioError(text)


class _Wifi(_Nic):
    def _start(self):
        import network

        s = self._settings
        if s.wifi_country:
            network.country(s.wifi_country)
        if s.hostname:
            network.hostname(s.hostname)
        nic = network.WLAN(network.STA_IF)
        nic.active(True)
        nic.connect(s.wifi_ssid, s.wifi_password)
        return nic

    def _failure(self) -> str:
        import network

        status = self._nic.status()
        if status == getattr(network, "STAT_WRONG_PASSWORD", None):
            return "WiFi %r refuses the password" % self._settings.wifi_ssid
        if status == getattr(network, "STAT_NO_AP_FOUND", None):
            return "WiFi %r is not in reach" % self._settings.wifi_ssid
        return "WiFi %r does not answer (status %s)" % (self._settings.wifi_ssid, status)


class _Ethernet(_Nic):
    def _start(self):
        import network

        if self._settings.hostname:
            network.hostname(self._settings.hostname)
        nic = network.LAN()
        nic.active(True)
        return nic

    def _failure(self) -> str:
        return "Ethernet has no link or no address: check cable and DHCP server"
