"""A device with umqtt.simple as it comes from the package index: `mqtt_device.py CONFIG.json HOST FOLDER_OF_UMQTT`.

Publishes with QoS 0 and 1 to the topic it has subscribed to, and prints a JSON list of what came back.
"""

import json
import sys

import ipsec


def main(config, host, folder):
    uplink = ipsec.connect(config, capture=True)
    sys.path.insert(0, folder)
    from umqtt.simple import MQTTClient

    got = []
    client = MQTTClient("device", host, keepalive=30)
    client.set_callback(lambda topic, message: got.append([topic.decode(), len(message)]))
    client.connect()
    client.subscribe(b"readings/#")
    client.publish(b"readings/0", b"21.5")
    client.publish(b"readings/1", bytes(3000), qos=1)
    client.ping()
    while len(got) < 2:
        client.wait_msg()
    client.disconnect()
    print(json.dumps(got))
    uplink.close()


main(*sys.argv[1:])
