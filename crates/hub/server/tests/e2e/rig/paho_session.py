"""A session by Eclipse Paho that says what came, and what Paho keeps to itself; `paho_features.py` comes behind it.

Arguments: port, CA file, and certificate and key of three: a service that may use `t/#` and `$t/#`, one that may
subscribe to everything, and the device cam-1.
"""

import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from socket import SHUT_RDWR

from paho.mqtt import client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

port, ca = sys.argv[1:3]
SERVICE, EVERYTHING, DEVICE = sys.argv[3:5], sys.argv[5:7], sys.argv[7:9]
LONGEST_WAIT_S = 20
running = threading.local()


def properties(packet, **values):
    made = Properties(packet)
    for name, value in values.items():
        for one in value if name == "UserProperty" else [value]:
            setattr(made, name, one)
    return made


def on_publish(**values):
    return properties(PacketTypes.PUBLISH, **values)


def options(qos=2, **more):
    return SubscribeOptions(qos=qos, **more)


class Client(mqtt.Client):
    """One session, whose network is served only while the case waits for something."""

    def __init__(self, client_id, version, who=SERVICE):
        clean = {} if version == 5 else {"clean_session": True}
        super().__init__(client_id, protocol=version, **clean)
        self.events = []
        self.case().append(self)
        self.acknowledges = True
        self.releases = True
        self.tls_set(ca, *who)
        self.on_connect = lambda _c, _u, flags, reason, given=None: self.note(
            "connected", number(reason), flags["session present"], given
        )
        self.on_subscribe = lambda _c, _u, _m, codes, _p=None: self.note("subscribed", [number(c) for c in codes])
        self.on_unsubscribe = lambda _c, _u, _m, *codes: self.note("unsubscribed", *codes, None)
        self.on_message = lambda _c, _u, message: self.note("message", message)
        self.on_disconnect = lambda _c, _u, reason, _p=None: self.note("ended", number(reason))

    @staticmethod
    def case():
        """The sessions of the case that runs in this thread."""
        if not hasattr(running, "sessions"):
            running.sessions = []
        return running.sessions

    def note(self, *event):
        self.events.append(event)

    def gets(self, kind, wanted=lambda *_: True):
        """Waits for the first event of this kind that is wanted; those before it are passed over."""
        until = time.monotonic() + LONGEST_WAIT_S
        while time.monotonic() < until:
            for at, event in enumerate(self.events):
                if event[0] == kind and wanted(*event[1:]):
                    del self.events[: at + 1]
                    return event[1] if len(event) == 2 else event[1:]
            self.loop(0.02)
        raise AssertionError(f"never {kind}, but {self.events}")

    def message(self, payload=None):
        return self.gets("message", lambda got: payload is None or got.payload == payload.encode())

    def messages_until(self, last):
        """The payloads up to that of the last message, which is left out."""
        payloads = []
        while not payloads or payloads[-1] != last:
            payloads.append(self.message().payload.decode())
        return payloads[:-1]

    def comes(self, clean=True, keep_alive_s=60, **given):
        """Connects; gives the reason, whether the session was present, and the properties."""
        how, self.asked_keep_alive_s = {}, keep_alive_s
        if self._protocol == 5:
            how["clean_start"] = clean
            how["properties"] = properties(PacketTypes.CONNECT, **given)
        else:
            self._clean_session = clean
        self.connect("localhost", int(port), **how)
        return self.gets("connected")

    def has(self, topic_filter, how=2, **given):
        """Subscribes; gives the code."""
        if self._protocol == 5:
            how = how if isinstance(how, SubscribeOptions) else options(how)
            given = properties(PacketTypes.SUBSCRIBE, **given)
            self.subscribe(topic_filter, options=how, properties=given)
        else:
            self.subscribe(topic_filter, how)
        return self.gets("subscribed")[0]

    def says(self, topic, payload, qos=2, retain=False, **given):
        """Publishes, and waits until the exchange is over; gives the answer's code and properties."""
        given = on_publish(**given) if self._protocol == 5 else None
        sent = self.publish(topic, payload, qos, retain, given)
        if qos > 0:
            return self.gets("answered", lambda mid, _c, _p: mid == sent.mid)[1:]
        self.loop(0.02)
        return None

    def leaves(self, **given):
        if self._protocol == 5:
            super().disconnect(properties=properties(PacketTypes.DISCONNECT, **given))
        else:
            super().disconnect()
        self.gets("ended")

    def is_killed(self):
        self.socket().shutdown(SHUT_RDWR)
        self.gets("ended")

    def sends(self, first):
        """A packet without a body, as it is."""
        self.socket().sendall(bytes([first, 0]))

    # What Paho keeps to itself: the answers' codes and properties, and a way to hold its own back. Its keep-alive
    # bounds the handshake too.

    def _send_connect(self, _keepalive):
        self._keepalive = self.asked_keep_alive_s
        return super()._send_connect(self._keepalive)

    def _handle_pubackcomp(self, cmd):
        self.note("answered", *answer(self._in_packet["packet"], PacketTypes.PUBACK, self._protocol))
        return super()._handle_pubackcomp(cmd)

    def _handle_pubrec(self):
        got = answer(self._in_packet["packet"], PacketTypes.PUBREC, self._protocol)
        if got[1] >= 0x80:
            self.note("answered", *got)
        return super()._handle_pubrec()

    def _send_puback(self, mid):
        self.note("owes", mid)
        return super()._send_puback(mid) if self.acknowledges else 0

    def _send_pubrel(self, mid):
        return super()._send_pubrel(mid) if self.releases else 0

    def _check_keepalive(self):
        if self._keepalive != SILENT_S:
            super()._check_keepalive()


# A client with this keep-alive sends no pings.
SILENT_S = 1


def answer(packet, packet_type, version):
    mid, code, given = int.from_bytes(packet[:2], "big"), 0, None
    if version == 5 and len(packet) > 2:
        code = packet[2]
        if len(packet) > 3:
            given = Properties(packet_type)
            given.unpack(packet[3:])
    return mid, code, given


def number(reason):
    return reason.value if hasattr(reason, "value") else int(reason)


def hub_waits(seconds, case):
    """Lets time pass by the hub's own clock: a will that is delayed for so long arrives."""
    waits, dies = Client(f"{case}/waits", 5), Client(f"{case}/clock", 5)
    waits.comes()
    waits.has(f"t/{case}/clock")
    dies.will_set(f"t/{case}/clock", "now", properties=properties(PacketTypes.WILLMESSAGE, WillDelayInterval=seconds))
    dies.comes(SessionExpiryInterval=60)
    dies.is_killed()
    waits.message("now")
    waits.leaves()


def lasting(version):
    return {"SessionExpiryInterval": 3600} if version == 5 else {}


def pair(case, version, **given):
    """Two sessions that are in."""
    one, other = Client(f"{case}/one", version), Client(f"{case}/other", version)
    assert one.comes(**given)[0] == 0
    assert other.comes()[0] == 0
    return one, other


