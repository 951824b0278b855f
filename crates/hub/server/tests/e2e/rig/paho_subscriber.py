"""A subscriber by Eclipse Paho that stays: it comes back by itself, and goes on with its session.

Arguments: port, CA file, certificate, key, client id, version (311 or 5), topic filter, QoS.
Says "subscribed" at each new subscription, "back" when its session went on, and "got TOPIC PAYLOAD", with the
message's user properties behind it.
"""

import sys

from paho.mqtt import client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

port, ca, certificate, key, client_id, version, topic_filter, qos = sys.argv[1:]


def on_connect(client, _userdata, flags, reason, _properties=None):
    if reason != 0:
        print("refused", reason, flush=True)
    elif flags["session present"]:
        print("back", flush=True)
    else:
        client.subscribe(topic_filter, int(qos))


def on_subscribe(_client, _userdata, _mid, _codes, _properties=None):
    print("subscribed", flush=True)


def on_message(_client, _userdata, message):
    properties = getattr(getattr(message, "properties", None), "UserProperty", [])
    more = [f"{name}={value}" for name, value in properties]
    print("got", message.topic, message.payload.decode(), *more, flush=True)


if version == "5":
    client = mqtt.Client(client_id, protocol=mqtt.MQTTv5)
    lasting = Properties(PacketTypes.CONNECT)
    lasting.SessionExpiryInterval = 3600
    how = {"clean_start": False, "properties": lasting}
else:
    client = mqtt.Client(client_id, clean_session=False)
    how = {}
client.on_connect = on_connect
client.on_subscribe = on_subscribe
client.on_message = on_message
client.tls_set(ca, certificate, key)
client.reconnect_delay_set(1, 1)
client.connect("localhost", int(port), **how)
while True:
    try:
        client.loop_forever(retry_first_connection=True)
    except OSError:
        # Paho lets a connection that breaks while it answers come through as an error, with the packet still in
        # hand: it would take that packet again for ever. To connect anew puts it down; if that fails, the loop goes on
        # trying.
        try:
            client.reconnect()
        except OSError:
            pass
