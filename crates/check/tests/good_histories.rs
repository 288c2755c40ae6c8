//! Good histories pass, whatever their seed; runs that show little do not.

use proptest::prelude::*;
use semel_check::{
    Action, Event, Kind, Options, Sometimes, Verdict, check_events, check_file,
    history::{self, Header},
    model::{self, Plan},
    run_cli,
};

#[test]
fn a_run_with_everything_in_it_passes() {
    let report = check_events(&model::events(&Plan::small(1)), Options::faults());
    assert_eq!(report.verdict(), Verdict::Passed, "{report}");
    assert_eq!(report.exit_code(), 0);
}

#[test]
fn equal_seeds_write_equal_histories() {
    let plan = Plan::small(7);
    assert_eq!(model::events(&plan), model::events(&plan));
    assert_ne!(model::events(&plan), model::events(&Plan::small(8)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn good_histories_pass(
        seed in any::<u64>(),
        people in 2..8_u32,
        devices in 1..4_u32,
        threads in 1..5_u32,
        calls in 0..600_u64,
        trouble in any::<bool>(),
        final_readers in 1..4_u32,
    ) {
        let plan = Plan { seed, people, devices, threads, calls, trouble, final_readers };
        let report = check_events(&model::events(&plan), Options::parse("nothing").unwrap());
        prop_assert_eq!(report.verdict(), Verdict::Passed, "{}", report);
    }
}

#[test]
fn a_run_without_trouble_proves_little() {
    let plan = Plan {
        trouble: false,
        ..Plan::small(1)
    };
    let events = model::events(&plan);
    let report = check_events(&events, Options::faults());
    assert_eq!(report.verdict(), Verdict::Invalid);
    assert_eq!(report.exit_code(), 2);
    for what in [
        Sometimes::Retried,
        Sometimes::Restart,
        Sometimes::Fault,
        Sometimes::Gap,
        Sometimes::Duplicate,
    ] {
        let reason = format!("never happened: {}", what.name());
        assert!(report.reasons.contains(&reason), "{reason}: {report}");
    }
    assert_eq!(
        check_events(&events, Options::load()).verdict(),
        Verdict::Passed
    );
}

#[test]
fn every_expectation_is_missed_when_it_is_not_met() {
    for what in Sometimes::ALL {
        let report = check_events(&[], Options::expecting(vec![*what]));
        assert_eq!(report.verdict(), Verdict::Invalid, "{}", what.name());
        assert!(Options::parse(what.name()).is_ok());
    }
    assert!(Options::parse("retried, gap").is_ok());
    assert!(Options::parse("retired").unwrap_err().contains("retried"));
}

#[test]
fn a_history_with_flaws_is_not_believed() {
    let good = model::events(&Plan::small(3));
    let nothing = || Options::parse("nothing").unwrap();
    let is_invalid = |events: &[Event], about: &str| {
        let report = check_events(events, nothing());
        assert_eq!(report.verdict(), Verdict::Invalid, "{about}: {report}");
    };
    let mut backwards = good.clone();
    let wire = backwards
        .iter()
        .position(|event| event.kind == Kind::Wire)
        .unwrap();
    backwards[wire].time = 0;
    is_invalid(&backwards, "time goes backwards");
    let twice = good
        .iter()
        .position(|event| event.kind == Kind::Info)
        .unwrap();
    let mut ended_twice = good.clone();
    ended_twice.insert(twice, good[twice]);
    is_invalid(&ended_twice, "a call ends twice");
    let unread: Vec<_> = good
        .iter()
        .copied()
        .filter(|event| event.kind != Kind::Final)
        .collect();
    is_invalid(&unread, "nobody read the final logs");
    let mut far = good.clone();
    let wire = far
        .iter_mut()
        .find(|event| event.kind == Kind::Wire)
        .unwrap();
    wire.thread = u32::MAX;
    is_invalid(&far, "a thread number that cannot be");
    let mut borrowed = good.clone();
    let read = borrowed
        .iter_mut()
        .find(|event| event.kind == Kind::Invoke && event.action == Action::ReadMessages);
    read.unwrap().user += 1;
    is_invalid(&borrowed, "a session calls for somebody else");
    let unknown = Options {
        unknown_percent_max: 1,
        ..nothing()
    };
    assert_eq!(check_events(&good, unknown).verdict(), Verdict::Invalid);
}

#[test]
fn the_command_reads_both_forms() {
    let directory = tempfile::tempdir().unwrap();
    let header = Header {
        seed: 5,
        commit: "0123abc".into(),
        command: "semel load --seed 5".into(),
        ..Header::default()
    };
    let events = model::events(&Plan::small(5));
    let binary = directory.path().join("history");
    let mut writer = history::create(&binary, &header).unwrap();
    for event in &events {
        writer.write(event).unwrap();
    }
    writer.finish().unwrap();

    let mut lines = vec![];
    assert_eq!(run_cli(&binary, None, true, &mut lines), 0);
    let text = directory.path().join("history.jsonl");
    std::fs::write(&text, lines).unwrap();
    assert_eq!(
        check_file(&text, Options::faults()).unwrap().verdict(),
        Verdict::Passed
    );

    let mut output = vec![];
    assert_eq!(run_cli(&binary, Some("faults"), false, &mut output), 0);
    let output = String::from_utf8(output).unwrap();
    assert!(
        output.contains("PASSED") && output.contains("run it again: semel load --seed 5"),
        "{output}"
    );

    let mut output = vec![];
    assert_eq!(run_cli(&binary, Some("retired"), false, &mut output), 3);
    assert!(
        String::from_utf8(output)
            .unwrap()
            .contains("`retired` is not known")
    );

    std::fs::write(&text, "no history").unwrap();
    let mut output = vec![];
    assert_eq!(run_cli(&text, None, false, &mut output), 3);
    assert!(
        String::from_utf8(output)
            .unwrap()
            .contains("failed to check")
    );
}

#[test]
fn the_header_says_what_is_expected() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history");
    let check = |expect: &str| {
        let mut header = Header::default();
        header.options.insert("expect".into(), expect.into());
        let writer = history::create(&path, &header).unwrap();
        writer.finish().unwrap();
        run_cli(&path, None, false, &mut vec![])
    };
    assert_eq!([check("nothing"), check("load")], [0, 2]);
}

#[test]
fn the_document_names_every_kind_action_and_expectation() {
    // Line breaks may fall between a name and its number.
    let document = include_str!("../../../docs/HISTORY.md").split_whitespace();
    let document = document.collect::<Vec<_>>().join(" ");
    let numbered = |name: String, byte: u8| {
        let text = format!("`{}` {byte}", name.trim_matches('"'));
        assert!(document.contains(&text), "{text}");
    };
    for kind in Kind::ALL {
        numbered(serde_json::to_string(kind).unwrap(), *kind as u8);
    }
    for action in Action::ALL {
        numbered(serde_json::to_string(action).unwrap(), *action as u8);
    }
    let (_, expectations) = document.split_once("**HI-50**").unwrap();
    for what in Sometimes::ALL {
        assert!(expectations.contains(what.name()), "{}", what.name());
    }
}
