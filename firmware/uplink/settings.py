"""`Settings`: every option of the application with its kind, range and default, from one JSON file.

Runs on the board and, to check a provisioning file, on the host. Start reading at `_OPTIONS`.
"""

# name: (default, kind, lowest, highest)
_OPTIONS = {
    "network": ("none", "str"),  # "wifi", "ethernet", or "none": the link is there when the program starts
    "wifi_ssid": ("", "str"),
    "wifi_password": ("", "str"),
    "wifi_country": ("", "str"),  # two letters, for channels 12 and 13
    "hostname": ("", "str"),
    "network_timeout_s": (30, "int", 1, 600),  # then the radio is started anew
    "tunnel": ("ipsec.json", "str"),  # the tunnel's configuration
    "publish_by": ("udp", "str"),  # "udp": each reading a datagram; "mqtt": to a broker, with QoS 1
    "publish_host": ("", "str"),  # who gets the readings, an address behind the gateway (MQTT: or a name); required
    "publish_port": (9000, "int", 1, 65535),  # by UDP
    "publish_every_s": (60, "int", 1, 86400),
    "publish_count": (0, "int", 0, 1000000),  # end after so many readings; 0: never
    "starts_file": ("starts.txt", "str"),  # counts the program's starts, so that (boot, n) of a reading is there once
    "ring": (100, "int", 1, 10000),  # by MQTT: readings that wait at the most; the oldest gives way, and is counted
    "mqtt_topic": ("", "str"),  # TOPIC/readings, TOPIC/commands, TOPIC/status; required with "mqtt"
    "mqtt_port": (0, "int", 0, 65535),  # 0: 1883, with TLS 8883
    "mqtt_client_id": ("", "str"),  # default: the topic
    "mqtt_user": ("", "str"),
    "mqtt_password": ("", "str"),
    "mqtt_keepalive_s": (60, "int", 5, 65535),
    "mqtt_timeout_s": (3, "int", 1, 60),  # how long the broker may take for an answer; below half of `watchdog_s`
    "mqtt_ca_file": ("", "str"),  # TLS, with a broker whose certificate comes from this authority: a file on the board
    "mqtt_server_name": ("", "str"),  # the name in that certificate; default: `publish_host`
    "retry_s": (5, "int", 1, 3600),  # first wait after a failure; doubles up to `retry_max_s`
    "retry_max_s": (300, "int", 1, 86400),
    "watchdog_s": (0, "int", 0, 8),  # the board resets when the program hangs so long; 0: off (RP2 chips allow 8)
    "led": ("", "str"),  # pin number or name such as "LED" that blinks the state
}


class SettingsError(ValueError):
    """An option is unknown or impossible; the text names it."""


class Settings:
    """Checked options as attributes.

    Raises SettingsError; the text never holds the password.
    """

    def __init__(self, **options):
        for name in options:
            if name not in _OPTIONS:
                raise SettingsError("unknown setting %r; known are %s" % (name, ", ".join(sorted(_OPTIONS))))
        for name, spec in _OPTIONS.items():
            value = options.get(name, spec[0])
            _check(name, value, spec)
            setattr(self, name, value)
        if self.network not in ("wifi", "ethernet", "none"):
            raise SettingsError("setting network: %r is none of 'wifi', 'ethernet', 'none'" % self.network)
        if self.network == "wifi" and not self.wifi_ssid:
            raise SettingsError("setting wifi_ssid is required with network 'wifi'")
        if self.publish_by not in ("udp", "mqtt"):
            raise SettingsError("setting publish_by: %r is neither 'udp' nor 'mqtt'" % self.publish_by)
        if self.publish_by == "mqtt":
            self._check_mqtt()
        if not self.publish_host:
            raise SettingsError("setting publish_host is required: an address behind the gateway")

    def _check_mqtt(self):
        topic = self.mqtt_topic
        if not topic or topic.strip("/") != topic or "#" in topic or "+" in topic:
            raise SettingsError("setting mqtt_topic: %r is none such as 'plant/device-17'" % topic)
        if 0 < self.watchdog_s <= 2 * self.mqtt_timeout_s:
            text = "setting mqtt_timeout_s: %d is not below half of watchdog_s, %d"
            raise SettingsError(text % (self.mqtt_timeout_s, self.watchdog_s))


def load(path: str) -> Settings:
    """Read the settings file.

    Raises SettingsError.
    """
    import json

    try:
        with open(path) as f:
            options = json.load(f)
    except OSError as e:
        raise SettingsError("%s cannot be read (%s): provision the device" % (path, e)) from e
    except ValueError as e:
        raise SettingsError("%s is not JSON: provision the device anew" % path) from e
    if not isinstance(options, dict):
        raise SettingsError("%s must hold one JSON object {...}" % path)
    return Settings(**options)


def _check(name, value, spec):
    if spec[1] == "int":
        if isinstance(value, bool) or not isinstance(value, int) or not spec[2] <= value <= spec[3]:
            raise SettingsError("setting %s: %r is not a whole number from %d to %d" % (name, value, spec[2], spec[3]))
    elif not isinstance(value, str):
        raise SettingsError("setting %s: %s is not a text" % (name, "the value" if "password" in name else repr(value)))
