"""What the device does when it is told to, by MQTT. Change `handle` for what your device can do. Start reading at `handle`."""

import json


def handle(app, message: bytes) -> str:
    """Do what a message on the command topic says; returns a line for the log. Raises ValueError for what it does not know."""
    command = json.loads(message)
    if not isinstance(command, dict) or list(command) != ["publish_every_s"]:
        raise ValueError('commands are {"publish_every_s": SECONDS}')
    app.set_interval(command["publish_every_s"])
    return "a reading every %d s" % command["publish_every_s"]
