//! Rules of PROTOCOL.md that types alone can hold.

use semel_protocol::{Entry, entry::EntryBody};

#[test]
fn p_order_6_unknown_types_and_fields_are_stepped_over() {
    let text = r#"{"thread_id": "01a1fbf0-cb9b-7758-9213-5f49fade7097", "rev": 7, "epoch": 1,
        "type": "poll_opened", "question": "when?", "a_field_of_tomorrow": [1, 2]}"#;
    let entry: Entry = serde_json::from_str(text).unwrap();
    assert_eq!((entry.rev, entry.body), (7, EntryBody::Unknown));
}

#[test]
fn p_order_6_a_known_type_with_a_new_field_is_still_known() {
    let text = r#"{"thread_id": "01a1fbf0-cb9b-7758-9213-5f49fade7097", "rev": 7, "epoch": 1,
        "type": "hidden", "a_field_of_tomorrow": true}"#;
    let entry: Entry = serde_json::from_str(text).unwrap();
    assert_eq!(entry.body, EntryBody::Hidden);
}
