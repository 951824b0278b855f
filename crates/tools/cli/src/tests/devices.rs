//! Lists of devices and one device, on narrow and on wide terminals.

use super::*;

const TWO: &str = r#"{"items":[
    {"id":"cam-0017-entrance-north","profile":"camera","lifecycle":"quarantined","tier":"none",
     "assurance":"software","reasons_count":1,"sessions":0,
     "last_seen":"2026-11-22T05:06:01.042Z","simulated":false},
    {"id":"meter-2","profile":"sensor","lifecycle":"claimed","tier":"none","assurance":null,
     "reasons_count":0,"sessions":0,"last_seen":null,"simulated":false}
],"next":"c/2"}"#;

#[test]
fn a_list_fits_eighty_columns() {
    let ran = Session::new().run(&["device", "list"], [json(TWO)]);
    assert_eq!(ran.code, ExitCode::SUCCESS);
    assert_eq!(
        ran.output,
        "\
ID                       PROFILE  LIFECYCLE    TIER  REASONS  SEEN (UTC)
cam-0017-entrance-north  camera   quarantined  none  1        2026-11-22 05:06
meter-2                  sensor   claimed      none  0        never
"
    );
    assert_eq!(ran.aside, "there is more: --cursor c/2\n");
}

#[test]
fn a_list_uses_the_room_of_a_hundred_and_forty_columns() {
    let session = Session {
        width: 140,
        ..Session::new()
    };
    let ran = session.run(&["device", "list"], [json(TWO)]);
    assert_eq!(
        ran.output,
        "\
ID                       PROFILE  LIFECYCLE    TIER  KEY       REASONS  SESSIONS  SEEN (UTC)
cam-0017-entrance-north  camera   quarantined  none  software  1        0         2026-11-22 05:06
meter-2                  sensor   claimed      none  -         0        0         never
"
    );
}

#[test]
fn filters_travel_in_the_query() {
    let ran = Session::new().run(
        &[
            "device",
            "list",
            "--lifecycle",
            "quarantined",
            "--tier",
            "none",
            "--connected",
            "--sort",
            "last_seen",
            "--id",
            "cam",
            "--limit",
            "5",
            "--cursor",
            "c/2",
        ],
        [json(r#"{"items":[],"next":null}"#)],
    );
    assert_eq!(
        ran.requests[0].line,
        "GET /api/v1/devices?connected=true&cursor=c%2F2&id=cam&lifecycle=quarantined&limit=5\
         &sort=last_seen&tier=none"
    );
    assert_eq!(
        ran.output,
        "no device matches; `ironroot claim new` claims the first\n"
    );
}

#[test]
fn json_is_the_answer_as_it_came() {
    let ran = Session::new().run(&["device", "list", "--json"], [json(TWO)]);
    assert_eq!(ran.output, format!("{TWO}\n"));
    assert_eq!(ran.aside, "");
}

#[test]
fn one_device_is_shown_with_reasons_certificates_and_timeline() {
    let one = r#"{"id":"cam-1","profile":"camera","lifecycle":"quarantined","tier":"none",
        "assurance":"software","reasons_count":1,"sessions":0,"last_seen":"2026-11-22T05:06:01Z",
        "simulated":true,"standing":"Quarantined by admin since 2026-11-22 05:06.",
        "reasons":[{"kind":"person","source":"","at":"2026-11-22T05:06:01Z",
            "why":"It sent pictures to an address that nobody here knows.","who":"admin","entry":41}],
        "notices":[{"kind":"in_two_places","at":"2026-11-22T05:05:58Z",
            "what":"From 192.0.2.1 and from 192.0.2.2 by turns.","entry":40}],
        "grant":{"connect":true,"publish":["d/cam-1/up/diagnosis"],"subscribe":[],"sessions_max":1,
            "subscriptions_max":16,"packet_size_max":1048576,"messages_per_s":50,"bytes_per_s":262144,"topics_max":64},
        "certificates":[{"serial":"4a00000000000000000000000000000b","fingerprint":"00",
            "not_before":"2026-11-21T04:00:00Z","not_after":"2027-02-19T05:00:00Z","status":"valid"}],
        "timeline":[{"entry":41,"at":"2026-11-22T05:06:01Z","kind":"order",
            "sentence":"admin ordered quarantine."}]}"#;
    let ran = Session::new().run(&["device", "show", "cam-1"], [json(one)]);
    assert_eq!(ran.requests[0].line, "GET /api/v1/devices/cam-1");
    assert_eq!(
        ran.output,
        "\
cam-1: Quarantined by admin since 2026-11-22 05:06.

lifecycle  quarantined
tier       none
profile    camera, simulated
key        software
sessions   0
seen       2026-11-22 05:06
publishes  d/cam-1/up/diagnosis
receives   -
limits     sessions 1, subscriptions 16, messages/s 50, bytes/s 262144, packet bytes 1048576, topics a day 64

REASON  SINCE (UTC)          WHO    WHY                                  ENTRY
person  2026-11-22 05:06:01  admin  It sent pictures to an address that  41
                                    nobody here knows.

NOTICED 2026-11-22 05:05:58 UTC (entry 40), in_two_places: From 192.0.2.1 and from 192.0.2.2 by turns.

CERTIFICATE                       STATUS  FROM (UTC)        UNTIL (UTC)
4a00000000000000000000000000000b  valid   2026-11-21 04:00  2027-02-19 05:00

ENTRY  AT (UTC)             WHAT HAPPENED
41     2026-11-22 05:06:01  admin ordered quarantine.
"
    );
}

#[test]
fn refuses_an_id_that_no_device_can_have() {
    for id in ["", "a/b", "../cas", "ä"] {
        assert!(
            Program::try_parse_from(["ironroot", "device", "show", id]).is_err(),
            "{id}"
        );
    }
    let wrong = Program::try_parse_from(["ironroot", "device", "list", "--tier", "good"]);
    assert!(wrong.is_err_and(|told| told.to_string().contains("contraindicated")));
}
