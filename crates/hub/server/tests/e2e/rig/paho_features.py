"""Every feature of MQTT 3.1.1 and 5, at a live hub over mutual TLS.

Each case is a function that begins with `in_v5_` or `in_both_`; it says "ok CASE" or "failed CASE", and why.
"""


def in_both_qos_0_1_and_2(case, version):
    one, other = pair(case, version)
    for granted in range(3):
        assert one.has(f"t/{case}/{granted}", granted) == granted
        for sent in range(3):
            other.says(f"t/{case}/{granted}", f"{granted}{sent}", sent)
            assert one.message(f"{granted}{sent}").qos == min(granted, sent)


def in_both_a_session_and_what_waits_in_it(case, version):
    one, other = pair(case, version, clean=False, **lasting(version))
    one.has(f"t/{case}", 2)
    one.leaves()
    for qos in range(3):
        other.says(f"t/{case}", f"{qos}", qos)
    code, present, _ = one.comes(clean=False, **lasting(version))
    assert (code, present) == (0, 1)
    other.says(f"t/{case}", "last")
    # The hub may hear of QoS 0 before it hears that the client has left.
    assert [got for got in one.messages_until("last") if got != "0"] == ["1", "2"]
    one.leaves()
    assert one.comes(clean=True)[1] == 0, "a clean start ends what there was"


def in_both_take_over(case, version):
    one, other = pair(case, version)
    again = Client(f"{case}/one", version)
    assert again.comes()[0] == 0
    ended = one.gets("ended")
    assert version == 4 or ended == 0x8E, ended


def in_both_unsubscribe(case, version):
    one, other = pair(case, version)
    one.has(f"t/{case}")
    one.unsubscribe([f"t/{case}", f"t/{case}/never"])
    codes = one.gets("unsubscribed")
    assert version == 4 or [number(code) for code in codes[1]] == [0, 0x11], codes
    one.has(f"t/{case}/last")
    other.says(f"t/{case}", "not wanted")
    other.says(f"t/{case}/last", "last")
    assert one.messages_until("last") == []


def in_v5_session_expiry_0_ends_with_the_connection(case, version):
    one = Client(f"{case}", version)
    one.comes(clean=False, SessionExpiryInterval=0)
    one.has(f"t/{case}")
    one.leaves()
    assert one.comes(clean=False)[1] == 0


def in_v5_session_expiry_passes(case, version):
    one = Client(f"{case}", version)
    one.comes(clean=False, SessionExpiryInterval=1)
    one.leaves()
    hub_waits(3, case)
    assert one.comes(clean=False)[1] == 0


def in_v5_session_expiry_is_changed_by_disconnect(case, version):
    one = Client(f"{case}", version)
    one.comes(clean=False, SessionExpiryInterval=3600)
    one.leaves(SessionExpiryInterval=0)
    assert one.comes(clean=False)[1] == 0, "it was ended"
    one.leaves(SessionExpiryInterval=3600)
    assert one.comes(clean=False)[1] == 0, "one that was to end cannot be made to last"


def in_both_will(case, version):
    hears = Client(f"{case}/hears", version)
    hears.comes()
    hears.has(f"t/{case}/#")
    for qos in range(3):
        dies = Client(f"{case}/dies", version)
        dies.will_set(f"t/{case}/gone", f"gone {qos}", qos, retain=qos == 2)
        dies.comes()
        dies.is_killed()
        assert hears.message(f"gone {qos}").qos == qos
    leaves = Client(f"{case}/leaves", version)
    leaves.will_set(f"t/{case}/left", "left")
    leaves.comes()
    leaves.leaves()
    hears.says(f"t/{case}/last", "last")
    assert hears.messages_until("last") == [], "who says goodbye leaves no will"
    later = Client(f"{case}/later", version)
    later.comes()
    later.has(f"t/{case}/gone")
    assert later.message().payload == b"gone 2", "a will may be retained"


def in_v5_will_with_properties(case, version):
    hears, dies = Client(f"{case}/hears", version), Client(f"{case}/dies", version)
    hears.comes()
    hears.has(f"t/{case}")
    given = {"ContentType": "text/plain", "UserProperty": [("b", "1"), ("a", "2")], "ResponseTopic": "t/answer"}
    dies.will_set(f"t/{case}", "gone", 1, properties=properties(PacketTypes.WILLMESSAGE, **given))
    dies.comes()
    dies.is_killed()
    got = hears.message("gone").properties
    assert (got.ContentType, got.ResponseTopic) == ("text/plain", "t/answer"), got
    assert got.UserProperty == [("b", "1"), ("a", "2")], got


def in_v5_will_delay(case, version):
    hears, dies = Client(f"{case}/hears", version), Client(f"{case}/dies", version)
    hears.comes()
    hears.has(f"t/{case}")
    will = {"properties": properties(PacketTypes.WILLMESSAGE, WillDelayInterval=2)}
    dies.will_set(f"t/{case}", "gone", **will)
    dies.comes(SessionExpiryInterval=60)
    dies.is_killed()
    began = time.monotonic()
    hears.message("gone")
    assert time.monotonic() - began > 1.5
    dies.comes(SessionExpiryInterval=60)
    dies.is_killed()
    assert dies.comes(clean=False, SessionExpiryInterval=60)[1] == 1
    hub_waits(3, case)
    hears.says(f"t/{case}", "last")
    assert hears.messages_until("last") == [], "who is back in time leaves no will"


def in_v5_will_delay_ends_with_the_session(case, version):
    hears, dies = Client(f"{case}/hears", version), Client(f"{case}/dies", version)
    hears.comes()
    hears.has(f"t/{case}")
    dies.will_set(f"t/{case}", "gone", properties=properties(PacketTypes.WILLMESSAGE, WillDelayInterval=3600))
    dies.comes(SessionExpiryInterval=1)
    dies.is_killed()
    hears.message("gone")


def in_v5_disconnect_with_will(case, version):
    hears, leaves = Client(f"{case}/hears", version), Client(f"{case}/leaves", version)
    hears.comes()
    hears.has(f"t/{case}")
    leaves.will_set(f"t/{case}", "gone")
    leaves.comes()
    leaves.disconnect(reasoncode=mqtt.ReasonCodes(PacketTypes.DISCONNECT, identifier=4))
    hears.message("gone")


def in_both_retained(case, version):
    one, other = pair(case, version)
    one.has(f"t/{case}")
    other.says(f"t/{case}", "kept", retain=True)
    assert one.message("kept").retain == 0, "to a subscription that was there before"
    later = Client(f"{case}/later", version)
    later.comes()
    later.has(f"t/{case}")
    assert later.message("kept").retain == 1
    other.says(f"t/{case}", "", retain=True)
    last = Client(f"{case}/last", version)
    last.comes()
    last.has(f"t/{case}")
    other.says(f"t/{case}", "last")
    assert last.messages_until("last") == [], "an empty one clears it"


def in_v5_retain_handling_0_1_2(case, version):
    one, other = pair(case, version)
    other.says(f"t/{case}", "kept", retain=True)
    for handling, expected in [(0, ["kept", "kept"]), (1, ["kept"]), (2, [])]:
        one.unsubscribe(f"t/{case}")
        one.gets("unsubscribed")
        got = []
        for _ in range(2):
            one.has(f"t/{case}", options(retainHandling=handling))
            other.says(f"t/{case}", "last")
            got += one.messages_until("last")
        assert got == expected, (handling, got)


def in_v5_retain_as_published(case, version):
    one, other = pair(case, version)
    for asked in (False, True):
        one.has(f"t/{case}", options(retainAsPublished=asked, retainHandling=2))
        for retain in (False, True):
            other.says(f"t/{case}", f"{asked}{retain}", retain=retain)
            assert one.message(f"{asked}{retain}").retain == (asked and retain)


def in_v5_shared_subscriptions(case, version):
    one, other = pair(case, version)
    for member in (one, other):
        member.has(f"$share/group/t/{case}")
    speaker = Client(f"{case}/speaker", version)
    speaker.comes()
    for nth in range(6):
        speaker.says(f"t/{case}", f"{nth}")
    got = []
    for member in (one, other):
        member.has(f"t/{case}/{member._client_id.decode()}")
        speaker.says(f"t/{case}/{member._client_id.decode()}", "last")
        own = member.messages_until("last")
        assert len(own) == 3, own
        got += own
    assert sorted(got) == [f"{nth}" for nth in range(6)], got


def in_v5_shared_subscription_with_no_local_is_refused(case, version):
    one = Client(f"{case}", version)
    one.comes()
    one.subscribe(f"$share/group/t/{case}", options=options(noLocal=True))
    assert one.gets("ended") == 0x82


def in_v5_topic_alias_of_the_client(case, version):
    one, other = pair(case, version)
    most = one.comes()[2].TopicAliasMaximum
    assert most > 0
    one.has(f"t/{case}/#")
    other.says(f"t/{case}/a", "1", TopicAlias=most)
    other.says("", "2", TopicAlias=most)
    other.says(f"t/{case}/b", "3", TopicAlias=most)
    other.says("", "4", TopicAlias=most)
    got = [one.message() for _ in range(4)]
    assert [message.topic[-1] for message in got] == ["a", "a", "b", "b"]
    assert not any(hasattr(message.properties, "TopicAlias") for message in got), "one's own are not passed on"
    other.publish(f"t/{case}/a", "x", properties=on_publish(TopicAlias=most + 1))
    assert other.gets("ended") == 0x94
    other.comes()
    other.publish("", "x", properties=on_publish(TopicAlias=1))
    assert other.gets("ended") == 0x94, "they end with the connection"


def in_v5_topic_alias_of_the_hub(case, version):
    one, other = pair(case, version, TopicAliasMaximum=1)
    one.has(f"t/{case}/#")
    for topic in ("a", "a", "b"):
        other.says(f"t/{case}/{topic}", "x")
    first, again, past = (one.message() for _ in range(3))
    assert (first.topic, first.properties.TopicAlias) == (f"t/{case}/a", 1)
    assert (again.topic, again.properties.TopicAlias) == ("", 1)
    assert past.topic == f"t/{case}/b" and not hasattr(past.properties, "TopicAlias")


def in_v5_receive_maximum_of_the_client(case, version):
    one, other = pair(case, version, ReceiveMaximum=2)
    one.acknowledges = False
    one.has(f"t/{case}", 1)
    for nth in range(4):
        other.says(f"t/{case}", f"{nth}", 1)
    for expected in ("0", "1"):
        one.message(expected)
        owed = one.gets("owes")
    # Other packets are not held up.
    assert one.has(f"t/{case}/more", 1) == 1
    assert not any(event[0] == "message" for event in one.events), one.events
    mqtt.Client._send_puback(one, owed)
    assert one.message().payload == b"2"
    assert one.has(f"t/{case}/more", 1) == 1
    assert not any(event[0] == "message" for event in one.events), one.events


def in_v5_receive_maximum_of_the_hub(case, version):
    one = Client(f"{case}", version)
    most = one.comes()[2].ReceiveMaximum
    one.max_inflight_messages_set(0)
    one.releases = False
    for nth in range(most + 1):
        one.publish(f"t/{case}", f"{nth}", 2)
    assert one.gets("ended") == 0x93


def in_both_overlapping_subscriptions(case, version):
    one, other = pair(case, version)
    one.has(f"t/{case}/+", 1)
    one.has(f"t/{case}/#", 2)
    one.has(f"t/{case}/a", 0)
    other.says(f"t/{case}/a", "once")
    assert one.message("once").qos == 2, "the highest"
    other.says(f"t/{case}/a", "last")
    assert one.messages_until("last") == []


def in_v5_subscription_identifiers(case, version):
    one, other = pair(case, version)
    one.has(f"t/{case}/+", SubscriptionIdentifier=1)
    one.has(f"t/{case}/#", SubscriptionIdentifier=268435455)
    one.has(f"t/{case}/a")
    other.says(f"t/{case}/a", "x")
    assert sorted(one.message("x").properties.SubscriptionIdentifier) == [1, 268435455]
    one.has(f"t/{case}/+", SubscriptionIdentifier=7)
    other.says(f"t/{case}/a", "y")
    assert sorted(one.message("y").properties.SubscriptionIdentifier) == [7, 268435455], "the latest counts"


def in_v5_no_local(case, version):
    one, other = pair(case, version)
    one.has(f"t/{case}", options(noLocal=True))
    one.says(f"t/{case}", "own")
    other.says(f"t/{case}", "last")
    assert one.messages_until("last") == []


def in_v5_maximum_packet_size_of_the_client(case, version):
    one, other = pair(case, version, MaximumPacketSize=128)
    one.has(f"t/{case}", 1)
    other.says(f"t/{case}", "x" * 128, 1)
    other.says(f"t/{case}", "last", 1)
    assert one.messages_until("last") == []


def in_v5_maximum_packet_size_of_the_hub(case, version):
    one = Client(f"{case}", version)
    most = one.comes()[2].MaximumPacketSize
    one.publish(f"t/{case}", "x" * most)
    assert one.gets("ended") == 0x95


def in_v5_message_expiry(case, version):
    one, other = pair(case, version, clean=False, SessionExpiryInterval=60)
    one.has(f"t/{case}")
    one.leaves(SessionExpiryInterval=60)
    other.says(f"t/{case}", "soon", MessageExpiryInterval=1)
    other.says(f"t/{case}", "later", MessageExpiryInterval=60)
    hub_waits(2, case)
    one.comes(clean=False, SessionExpiryInterval=60)
    got = one.message()
    assert got.payload == b"later", got.payload
    assert got.properties.MessageExpiryInterval < 60, "what it waited is taken off"


def in_v5_message_expiry_of_a_retained_message(case, version):
    one, other = pair(case, version)
    other.says(f"t/{case}", "soon", retain=True, MessageExpiryInterval=1)
    hub_waits(2, case)
    one.has(f"t/{case}")
    other.says(f"t/{case}", "last")
    assert one.messages_until("last") == []


def in_v5_payload_format_and_content_type(case, version):
    one, other = pair(case, version)
    one.has(f"t/{case}")
    other.says(f"t/{case}", "x", PayloadFormatIndicator=1, ContentType="text/plain")
    got = one.message("x").properties
    assert (got.PayloadFormatIndicator, got.ContentType) == (1, "text/plain")


def in_v5_request_and_response(case, version):
    asks, serves = Client(f"{case}/asks", version), Client(f"{case}/serves", version)
    asks.comes()
    serves.comes()
    asks.has(f"t/{case}/answer")
    serves.has(f"t/{case}/question")
    asks.says(f"t/{case}/question", "?", ResponseTopic=f"t/{case}/answer", CorrelationData=b"\x00\x01")
    question = serves.message("?").properties
    serves.says(question.ResponseTopic, "!", CorrelationData=question.CorrelationData)
    assert asks.message("!").properties.CorrelationData == b"\x00\x01"


def in_v5_response_information(case, version):
    device = Client("cam-1/asks", version, DEVICE)
    given = device.comes(RequestResponseInformation=1)[2]
    assert given.ResponseInformation == "d/cam-1/down", given
    assert device.has(f"{given.ResponseInformation}/answer") == 2, "what it names is granted"
    assert not hasattr(device.comes()[2], "ResponseInformation"), "only who asks is told"


def in_v5_user_properties_keep_their_order(case, version):
    one, other = pair(case, version)
    one.has(f"t/{case}")
    given = [("b", "1"), ("a", "2"), ("b", "3"), ("", ""), ("a", "2")]
    for qos in range(3):
        other.says(f"t/{case}", "x", qos, UserProperty=given)
        assert one.message("x").properties.UserProperty == given


def in_v5_server_keep_alive(case, version):
    one = Client(f"{case}", version)
    for asked, told in [(0, 3600), (7200, 3600), (3601, 3600)]:
        assert one.comes(keep_alive_s=asked)[2].ServerKeepAlive == told
    assert not hasattr(one.comes(keep_alive_s=60)[2], "ServerKeepAlive")


def in_both_keep_alive(case, version):
    one = Client(f"{case}", version)
    one.comes(keep_alive_s=SILENT_S)
    ended = one.gets("ended")
    assert version == 4 or ended == 0x8D, ended


def in_both_keep_alive_0(case, version):
    one, other = pair(case, version)
    assert one.comes(keep_alive_s=0)[0] == 0
    one.has(f"t/{case}")
    hub_waits(2, case)
    other.says(f"t/{case}", "still here")
    one.message("still here")


def in_both_assigned_client_id(case, version):
    nameless, another = Client("", version), Client("", version)
    code, _, given = nameless.comes()
    assert code == 0
    if version == 5:
        assert given.AssignedClientIdentifier != another.comes()[2].AssignedClientIdentifier
        return
    # Refused with code 2, Paho tries again with an id of its own.
    assert another.comes(clean=False)[0] == 0
    assert another._client_id != b"", "an empty id and a session that is to last"


def in_v5_bad_authentication_method(case, version):
    one = Client(f"{case}", version)
    code, _, given = one.comes(AuthenticationMethod="SCRAM-SHA-1", AuthenticationData=b"x")
    assert code == 0x8C and given.ReasonString, (code, given)


def in_v5_reason_strings_and_request_problem_information(case, version):
    device = Client("cam-1/reasons", version, DEVICE)
    for asked, told in [(1, True), (0, False)]:
        device.comes(RequestProblemInformation=asked)
        code, given = device.says("d/cam-2/up/t", "x", 1)
        assert code == 0x87
        assert (given is not None and hasattr(given, "ReasonString")) == told, given
    stranger = Client("cam-2", version, DEVICE)
    code, _, given = stranger.comes(RequestProblemInformation=0)
    assert code == 0x85 and given.ReasonString, "CONNACK may always say why"


def in_v5_no_matching_subscribers(case, version):
    one = Client(f"{case}", version)
    one.comes()
    assert one.says(f"$t/{case}", "x", 1)[0] == 0x10
    one.has(f"$t/{case}")
    assert one.says(f"$t/{case}", "x", 1)[0] == 0


def in_both_what_is_not_granted_is_refused(case, version):
    device = Client(f"cam-1/{version}", version, DEVICE)
    device.comes()
    assert device.has("d/cam-2/down/#") == (0x87 if version == 5 else 0x80)
    assert device.has("#") == (0x87 if version == 5 else 0x80)
    if version == 5:
        assert device.says("d/cam-2/up/t", "x", 1)[0] == 0x87
        assert device.says("d/cam-2/up/t", "x", 2)[0] == 0x87
    else:
        device.publish("d/cam-2/up/t", "x", 1)
        device.gets("ended")
    other = Client("cam-2", version, DEVICE)
    assert other.comes()[0] == (0x85 if version == 5 else 2)


def in_both_dollar_topics(case, version):
    one, other = pair(case, version)
    all_of_it = Client(f"{case}/all", version, EVERYTHING)
    all_of_it.comes()
    for topic_filter in ("#", "+/+", "+/#"):
        assert all_of_it.has(topic_filter) == 2
    assert one.has(f"$t/{case}/#") == 2
    other.says(f"$t/{case}", "told by its name")
    other.says(f"t/{case}", "last")
    assert one.message().payload == b"told by its name"
    assert [m for m in all_of_it.messages_until("last") if m == "told by its name"] == []


def in_both_what_only_a_server_sends_ends_the_session(case, version):
    one, other = pair(case, version)
    for packet_type in (0x20, 0x90, 0xB0, 0xD0):
        one.comes()
        one.sends(packet_type)
        ended = one.gets("ended")
        assert version == 4 or ended in (0x81, 0x82), (packet_type, ended)
    other.has(f"t/{case}")
    other.says(f"t/{case}", "not disturbed")
    other.message("not disturbed")


def in_both_flags_of_the_fixed_header(case, version):
    one = Client(f"{case}", version)
    for first in (0x00, 0x36, 0x38, 0x60, 0x80, 0xA0, 0xC1, 0xE1):
        one.comes()
        one.sends(first)
        ended = one.gets("ended")
        assert version == 4 or ended == 0x81, (first, ended)


def run(name, case, version):
    try:
        case(f"{name}.{version}", version)
        return f"ok {name} {version}"
    except Exception:
        return f"failed {name} {version}\n{traceback.format_exc()}"
    finally:
        # A principal has no more sessions at once than its Grant allows.
        while Client.case():
            session = Client.case().pop()
            if session.socket():
                session.socket().close()


cases = [(name, case) for name, case in sorted(globals().items()) if name.startswith("in_")]
with ThreadPoolExecutor(12) as pool:
    asked = [
        pool.submit(run, name, case, version)
        for name, case in cases
        for version in ((5,) if name.startswith("in_v5_") else (4, 5))
    ]
    outcomes = [one.result() for one in asked]
print(*outcomes, sep="\n")
sys.exit(any(outcome.startswith("failed") for outcome in outcomes))
