//! Answers to requests: results, refusals and what JSON allows in them.

mod feed_support;

use feed_support::*;
use whitewire_core::event::{Kind, Outcome, NO_MARKET};
use whitewire_core::feed::Feed;

fn feed() -> Feed {
    feed_on(isas()[0], 100)
}

#[test]
fn replies_keep_their_result_as_text() {
    let mut feed = feed();
    for (frame, id, result) in [
        (REPLY, 2_000_001, r#"{"status": "success"}"#),
        (
            r#"{"error": null, "result": "pong", "id": 177472028786210}"#,
            177_472_028_786_210,
            "\"pong\"",
        ),
        (
            r#"{"id": 3, "result": [1, {"a": "\u0041\n"}], "error": null}"#,
            3,
            r#"[1, {"a": "\u0041\n"}]"#,
        ),
        (r#"{"id": 4, "result": 1785730136, "error": null}"#, 4, "1785730136"),
        (r#"{"id": 5, "result": true}"#, 5, "true"),
        (r#"{"id": 6, "result": null, "error": null}"#, 6, "null"),
        (r#"{"id": null, "result": {}, "error": null}"#, -1, "{}"),
    ] {
        assert_eq!(
            feed.on_frame(frame.as_bytes(), 1),
            Outcome { kind: Kind::Reply, market: NO_MARKET }
        );
        let reply = &feed.cold().reply;
        assert_eq!((reply.id, reply.error_code), (id, 0));
        assert_eq!((reply.result.as_str(), reply.error_message.as_str()), (result, ""));
    }
}

#[test]
fn refusals_keep_code_and_text() {
    let mut feed = feed();
    assert_eq!(take(&mut feed, REFUSAL), Kind::ReplyError);
    let reply = &feed.cold().reply;
    assert_eq!((reply.id, reply.error_code, reply.result.as_str()), (7, 6, "null"));
    assert_eq!(reply.error_message, "require authentication");
    let escaped = concat!(
        r#"{"error": {"message": "\ud83d\ude00 \"no\"\t\u00e9", "code": -2}, "result": null, "#,
        r#""id": 8}"#,
    );
    assert_eq!(take(&mut feed, escaped), Kind::ReplyError);
    assert_eq!(feed.cold().reply.error_message, "\u{1f600} \"no\"\t\u{e9}");
    assert_eq!(feed.cold().reply.error_code, -2);
    let long = REFUSAL.replace("require", &"x".repeat(9000));
    assert_eq!(take(&mut feed, &long), Kind::ReplyError);
    assert_eq!(feed.cold().reply.error_message.len(), 4096);
}

#[test]
fn replies_are_bounded() {
    let mut feed = feed();
    let frame =
        |len: usize| format!(r#"{{"id": 1, "error": null, "result": "{}"}}"#, "x".repeat(len));
    assert_eq!(take(&mut feed, &frame((1 << 20) - 2)), Kind::Reply);
    assert_eq!(feed.cold().reply.result.len(), 1 << 20);
    assert_eq!(take(&mut feed, &frame((1 << 20) - 1)), Kind::Malformed);
    assert_eq!(take(&mut feed, &frame(5 << 20)), Kind::Malformed);
    for bad in [
        r#"{"id": "a", "result": 1}"#,
        r#"{"id": 1, "error": "no"}"#,
        r#"{"id": 1, "error": {"message": "no"}}"#,
    ] {
        assert_eq!(take(&mut feed, bad), Kind::Malformed, "{bad}");
    }
}

#[test]
fn repeated_and_escaped_keys_mean_what_json_says() {
    let mut feed = feed();
    let frame = r#"{"id": 1, "\u0069d": 2, "result": 1, "result": 7}"#;
    assert_eq!(take(&mut feed, frame), Kind::Reply);
    assert_eq!((feed.cold().reply.id, feed.cold().reply.result.as_str()), (2, "7"));
}
