use std::io::{BufReader, Cursor};

use super::*;
use crate::{Action, Kind};

fn header() -> Header {
    Header {
        seed: 42,
        commit: "abc".into(),
        command: "semel load --seed 42".into(),
        options: BTreeMap::from([("senders".into(), "50".into())]),
    }
}

fn events() -> Vec<Event> {
    let sends = (1..=100_u32).map(|call| Event {
        session: call % 3 + 1,
        call,
        key: u64::from(call) << 40,
        hash: u64::MAX,
        ..Event::at(u64::from(call) * 10, Kind::Invoke, Action::Send)
    });
    sends.chain(Event::names(Action::User, 3, "ada")).collect()
}

fn binary(events: &[Event]) -> Vec<u8> {
    let mut writer = BinaryWriter::new(Vec::new(), &header()).unwrap();
    for event in events {
        writer.write(event).unwrap();
    }
    writer.finish().unwrap()
}

fn lines(events: &[Event]) -> Vec<u8> {
    let mut writer = LinesWriter::new(Vec::new(), &header()).unwrap();
    for event in events {
        writer.write(event).unwrap();
    }
    writer.finish().unwrap()
}

fn read(bytes: &[u8]) -> Result<Vec<Event>, HistoryError> {
    Reader::new(BufReader::new(Cursor::new(bytes)))?.collect()
}

#[test]
fn both_forms_come_back_with_their_header() {
    for bytes in [binary(&events()), lines(&events())] {
        let reader = Reader::new(Cursor::new(&bytes)).unwrap();
        assert_eq!(*reader.header(), header());
        assert_eq!(read(&bytes).unwrap(), events());
    }
}

#[test]
fn lines_leave_out_what_is_nothing() {
    let event = Event {
        thread: 7,
        id: 255,
        ..Event::at(5, Kind::Apply, Action::Edit)
    };
    let text = String::from_utf8(lines(&[event])).unwrap();
    let line = r#"{"time":5,"kind":"apply","action":"edit","thread":7,"id":"00000000000000ff"}"#;
    assert_eq!(text.lines().nth(1), Some(line));
    assert_eq!(text.lines().nth(2), Some(r#"{"end":1}"#));
}

#[test]
fn a_history_without_its_end_is_cut_off_at_every_byte() {
    let whole = binary(&events()[..3]);
    for length in 0..whole.len() {
        assert!(read(&whole[..length]).is_err(), "{length} bytes");
    }
    let whole = lines(&events()[..3]);
    for length in 0..whole.len() - 1 {
        assert!(read(&whole[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn other_files_and_versions_are_refused() {
    assert!(matches!(read(b""), Err(HistoryError::NoHistory)));
    assert!(matches!(
        read(b"SQLite format 3\0\0\0"),
        Err(HistoryError::NoHistory)
    ));
    assert!(matches!(read(b"{\"a\":1}\n"), Err(HistoryError::Header(_))));
    let mut later = binary(&[]);
    later[8] = 9;
    assert!(matches!(read(&later), Err(HistoryError::Version(9))));
    let mut unknown = binary(&events()[..1]);
    let kind = unknown.len() - 2 * 64 + 8;
    unknown[kind] = 77;
    assert!(matches!(read(&unknown), Err(HistoryError::UnknownEvent(1))));
    let wrong = b"{\"semel_history\":1,\"seed\":1,\"commit\":\"\",\"command\":\"\"}\n{\"end\":4}\n";
    assert!(matches!(
        read(wrong),
        Err(HistoryError::Count { said: 4, found: 0 })
    ));
}

#[test]
fn recordings_merge_by_time() {
    let at = |time, session| {
        Ok(Event {
            session,
            ..Event::at(time, Kind::Apply, Action::Send)
        })
    };
    let sources = vec![
        vec![at(1, 1), at(5, 1), at(5, 1)],
        vec![],
        vec![at(2, 2), at(5, 2), at(9, 2)],
    ];
    let mut merged = vec![];
    merge(sources.into_iter().map(Vec::into_iter).collect(), |event| {
        merged.push((event.time, event.session));
        Ok(())
    })
    .unwrap();
    assert_eq!(merged, [(1, 1), (2, 2), (5, 1), (5, 1), (5, 2), (9, 2)]);
}
