"""A Sparkplug B edge node with one device behind it, by Eclipse Paho. Arguments: port, CA, certificate, key, id, group."""

import ssl
import sys

import paho.mqtt.client as mqtt

port, ca, certificate, key, node, group = sys.argv[1:]


def payload(bd_seq, seq=None):
    metric = b"\x0a\x05bdSeq\x20\x08\x58" + bytes([bd_seq])
    ended = b"" if seq is None else b"\x18" + bytes([seq])
    return b"\x12" + bytes([len(metric)]) + metric + ended


def topic(kind, *device):
    return "/".join(["spBv1.0", group, kind, node, *device])


def connected(client, _userdata, _flags, code):
    print("connected", code, flush=True)
    client.subscribe([(topic("NCMD") + "/#", 1), (topic("DCMD") + "/#", 1)])


def subscribed(client, _userdata, _mid, granted):
    client.publish(topic("NBIRTH"), payload(7, 0))
    client.publish(topic("DBIRTH", "pump"), payload(7, 1), qos=1)


def published(_client, _userdata, _mid):
    print("born", flush=True)


client = mqtt.Client(node, clean_session=True, protocol=mqtt.MQTTv311)
client.will_set(topic("NDEATH"), payload(7), qos=1)
client.tls_set(ca, certificate, key, tls_version=ssl.PROTOCOL_TLS_CLIENT)
client.on_connect, client.on_subscribe, client.on_publish = connected, subscribed, published
client.connect("localhost", int(port))
client.loop_forever()
