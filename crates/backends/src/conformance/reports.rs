//! What people report, what operators make of it, and who is one.

use std::sync::Arc;

use semel_core::{
    Changes, Command, Key, Reply,
    actions::{
        ByGrant, Outcome, Report, Reported, Resolve, ResolveReport, SetOperator, SetStanding,
        sign_in::ClaimOperator,
    },
    plain::PlainKey,
    ports::{Ledger, LedgerError},
    rows::List,
    safety::{Deed, Evidence, ReportRow, ReportSubject, Resolution},
    sign_in::OperatorRow,
};
use semel_protocol::{
    Code, MessageId, ReportId, ThreadId, Timestamp,
    report::{ReportOutcome, ReportReason},
};

use super::{
    Engine, let_sign_in, load,
    world::{command, done, pair, people, send, sent, user, uuid},
};

/// Calls at once.
const AT_ONCE: u64 = 40;

fn code(reply: Result<Reply, LedgerError>) -> Option<Code> {
    let result = reply.expect("the ledger answers").result;
    result
        .expect("not a replay")
        .err()
        .map(|refusal| refusal.code)
}

async fn list(ledger: &dyn Ledger, key: PlainKey) -> Vec<PlainKey> {
    let key = Key::Plain(key);
    let rows = load(ledger, std::slice::from_ref(&key)).await;
    let Some(List::Plain(found)) = rows.lists.get(&key) else {
        panic!("{key:?} brings a list");
    };
    found.clone()
}

async fn deeds(ledger: &dyn Ledger) -> Vec<Deed> {
    let keys = list(ledger, PlainKey::AuditBefore(user("nobody"), None, 1_000)).await;
    let wanted: Vec<Key> = keys.into_iter().map(Key::Plain).collect();
    let rows = load(ledger, &wanted).await;
    let mut deeds: Vec<_> = rows.audit.iter().map(|(id, row)| (*id, row.deed)).collect();
    deeds.sort_unstable_by_key(|(id, _)| *id);
    deeds.into_iter().map(|(_, deed)| deed).collect()
}

fn bare(who: &str, resolution: Option<Resolution>) -> ReportRow {
    ReportRow {
        at: Timestamp(1),
        reporter_id: user(who),
        user_id: user("bob"),
        evidence: None,
        reason: ReportReason::Other,
        details: None,
        resolution,
    }
}

fn resolution(at: i64) -> Resolution {
    Resolution {
        at: Timestamp(at),
        by: user("op"),
        outcome: ReportOutcome::MessageRemoved,
        expires_at: Timestamp(at + 100),
    }
}

fn full() -> ReportRow {
    ReportRow {
        evidence: Some(Evidence {
            thread_id: ThreadId(uuid(1)),
            message_id: MessageId(uuid(2)),
            seq: 3,
            rev: 4,
            content: "words é".to_owned(),
            said_at: Timestamp(5),
            edited_at: Some(Timestamp(6)),
        }),
        reason: ReportReason::Harassment,
        details: Some("more".to_owned()),
        ..bare("ann", Some(resolution(7)))
    }
}

fn report(id: u64) -> PlainKey {
    PlainKey::Report(ReportId(uuid(id)))
}

pub(crate) async fn rows_of_reports_come_back_and_go<E: Engine>(mut engine: E) {
    let mut changes = Changes::default();
    let stored = [(1, bare("ann", None)), (2, full())];
    for (id, row) in &stored {
        let id = ReportId(uuid(*id));
        changes.reports.push((id, Some(row.clone())));
    }
    engine.store(&changes);
    engine.reopen().await;
    let ledger = engine.ledger();
    let keys = [1, 2, 3].map(|id| Key::Plain(report(id)));
    let rows = load(&*ledger, &keys).await;
    for (id, row) in stored {
        assert_eq!(rows.reports.get(&ReportId(uuid(id))), Some(Some(&row)));
        let subject = row.subject();
        let of = PlainKey::ReportOf(user("ann"), subject.clone());
        assert_eq!(list(&*ledger, of).await, [report(id)]);
        let of_another = PlainKey::ReportOf(user("bob"), subject);
        assert!(list(&*ledger, of_another).await.is_empty());
    }
    assert_eq!(rows.reports.get(&ReportId(uuid(3))), Some(None));
    let over = |time| PlainKey::Expired(Timestamp(time), 10);
    assert!(list(&*ledger, over(107)).await.is_empty());
    assert_eq!(list(&*ledger, over(108)).await, [report(2)]);
    ledger.close().await;
    drop(ledger);
    let mut gone = Changes::default();
    gone.reports.push((ReportId(uuid(2)), None));
    engine.reopen().await;
    engine.store(&gone);
    let rows = load(&*engine.ledger(), &[Key::Plain(report(2))]).await;
    assert_eq!(rows.reports.get(&ReportId(uuid(2))), Some(None));
}

pub(crate) async fn reports_page_with_the_open_ones_first<E: Engine>(mut engine: E) {
    let mut changes = Changes::default();
    let about_op = ReportRow {
        user_id: user("op"),
        ..bare("eve", None)
    };
    for (id, row) in [
        (1, bare("ann", Some(resolution(9)))),
        (2, bare("cyd", None)),
        (3, bare("dan", Some(resolution(8)))),
        (4, bare("eve", None)),
        (5, about_op),
    ] {
        changes.reports.push((ReportId(uuid(id)), Some(row)));
    }
    engine.store(&changes);
    engine.reopen().await;
    let ledger = engine.ledger();
    let page = |after, limit| PlainKey::ReportsAfter(user("op"), after, limit);
    let first = list(&*ledger, page(None, 3)).await;
    assert_eq!(first, [report(2), report(4), report(3)]);
    let place = Some((None, ReportId(uuid(2))));
    let next = list(&*ledger, page(place, 2)).await;
    assert_eq!(next, [report(4), report(3)]);
    let place = Some((Some(Timestamp(8)), ReportId(uuid(3))));
    assert_eq!(list(&*ledger, page(place, 9)).await, [report(1)]);
    let others = list(&*ledger, PlainKey::ReportsAfter(user("bob"), None, 9)).await;
    assert_eq!(others, [report(5)], "those about somebody are for others");
    ledger.close().await;
}

fn reports(actor: &str, thread: ThreadId, message: MessageId) -> Command {
    let action = Report {
        what: Reported::Message(thread, message),
        reason: ReportReason::Spam,
        details: String::new(),
    };
    command(actor, action)
}

/// A message of Bob's to Ann, and Ann's report of it.
async fn reported(ledger: &dyn Ledger, number: u64) -> (ThreadId, ReportId) {
    let id = pair(ledger, "ann", "bob").await;
    let message = sent(ledger.submit(send("bob", id, number, "words")).await).message;
    let Outcome::Reported(report) = done(ledger.submit(reports("ann", id, message.id)).await)
    else {
        panic!("it is reported");
    };
    (id, report)
}

pub(crate) async fn p_report_2_one_report_however_often_it_is_made_at_once(engine: impl Engine) {
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    let message = sent(ledger.submit(send("bob", id, 1, "words")).await).message;
    let calls: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move { ledger.submit(reports("ann", id, message.id)).await })
        })
        .collect();
    let mut ids = std::collections::BTreeSet::new();
    for call in calls {
        match done(call.await.expect("no panic")) {
            Outcome::Reported(id) => ids.insert(id),
            other => panic!("{other:?}"),
        };
    }
    assert_eq!(ids.len(), 1, "{ids:?}");
    let subject = ReportSubject::Message(message.id);
    let stored = list(&*ledger, PlainKey::ReportOf(user("ann"), subject)).await;
    assert_eq!(stored.len(), 1);
    let all = list(&*ledger, PlainKey::ReportsAfter(user("op"), None, 10)).await;
    assert_eq!(all, stored);
    assert!(engine.findings().is_empty(), "{:?}", engine.findings());
}

fn resolves(operator: &str, report_id: ReportId, resolve: Resolve) -> Command {
    let action = ResolveReport {
        report_id,
        resolve,
        reason: "because".to_owned(),
    };
    command(operator, action)
}

pub(crate) async fn p_report_4_of_two_who_resolve_a_report_at_once_one_does(engine: impl Engine) {
    let ledger = engine.ledger();
    people(&*ledger, &["op", "other-op"]).await;
    for round in 1..=5 {
        let (_, report_id) = reported(&*ledger, round).await;
        let spawn = |operator: &'static str, resolve| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move { ledger.submit(resolves(operator, report_id, resolve)).await })
        };
        let both = [
            spawn("op", Resolve::NoAction),
            spawn("other-op", Resolve::RemoveMessage),
        ];
        let mut refused = 0;
        for call in both {
            match code(call.await.expect("no panic")) {
                None => {}
                Some(code) => {
                    assert_eq!(code, Code::InvalidRequest);
                    refused += 1;
                }
            }
        }
        assert_eq!(refused, 1);
    }
    let deeds = deeds(&*ledger).await;
    let resolved = deeds.iter().filter(|deed| **deed == Deed::ResolveReport);
    assert_eq!(resolved.count(), 5);
}

/// The person is suspended in the same way as by the call for it: nothing that was under way is stored after it.
pub(crate) async fn p_report_4_a_suspension_by_a_report_against_sends(engine: impl Engine) {
    let ledger = engine.ledger();
    people(&*ledger, &["op"]).await;
    let (id, report_id) = reported(&*ledger, 1).await;
    let head = async |ledger: &dyn Ledger| {
        let rows = load(ledger, &[Key::Thread(id)]).await;
        rows.heads.get(&id).flatten().expect("a head").last_seq
    };
    let mut sends = Vec::new();
    for n in 0..AT_ONCE {
        let ledger = Arc::clone(&ledger);
        let sent = async move { ledger.submit(send("bob", id, 100 + n, "more")).await };
        sends.push(tokio::spawn(sent));
    }
    let suspend = resolves("op", report_id, Resolve::Suspend(user("bob")));
    done(ledger.submit(suspend).await);
    let at_acknowledgement = head(&*ledger).await;
    for sent in sends {
        if let Some(code) = code(sent.await.expect("no panic")) {
            assert_eq!(code, Code::Suspended);
        }
    }
    assert_eq!(head(&*ledger).await, at_acknowledgement);
    let late = ledger.submit(send("bob", id, 999, "late")).await;
    assert_eq!(code(late), Some(Code::Suspended));
    let deeds = deeds(&*ledger).await;
    assert_eq!(deeds, [Deed::Suspend, Deed::ResolveReport]);
}

fn sets(actor: &str, who: &str, is_operator: bool) -> Command {
    let action = SetOperator {
        user_id: user(who),
        is_operator,
        reason: "because".to_owned(),
    };
    let action = Box::new(action.into());
    command(actor, ByGrant { action })
}

pub(crate) async fn p_operator_6_of_operators_who_take_each_others_right_at_once_one_stays<
    E: Engine,
>(
    mut engine: E,
) {
    let all = ["ann", "bob", "cyd"];
    let_sign_in(&mut engine, &all).await;
    let ledger = engine.ledger();
    people(&*ledger, &all).await;
    done(ledger.submit(command("ann", ClaimOperator)).await);
    let mut left = "ann".to_owned();
    for _ in 0..5 {
        for who in all {
            done(ledger.submit(sets(&left, who, true)).await);
        }
        // Each takes the right of the next one.
        let calls: Vec<_> = (0..all.len())
            .map(|at| {
                let (actor, who) = (all[at], all[(at + 1) % all.len()]);
                let ledger = Arc::clone(&ledger);
                tokio::spawn(async move { ledger.submit(sets(actor, who, false)).await })
            })
            .collect();
        for call in calls {
            let code = code(call.await.expect("no panic"));
            let expected = [None, Some(Code::Forbidden), Some(Code::LastOperator)];
            assert!(expected.contains(&code), "{code:?}");
        }
        let mut operators = list(&*ledger, PlainKey::Operators(10)).await;
        assert!(!operators.is_empty());
        // Those who are left go, one after the other, until one is left who cannot.
        while operators.len() > 1 {
            let Some(PlainKey::Operator(who)) = operators.pop() else {
                panic!("a list of operators");
            };
            done(ledger.submit(sets(who.as_str(), who.as_str(), false)).await);
        }
        let Some(PlainKey::Operator(who)) = operators.pop() else {
            panic!("a list of operators");
        };
        left = who.as_str().to_owned();
        let last = ledger.submit(sets(&left, &left, false)).await;
        assert_eq!(code(last), Some(Code::LastOperator));
    }
    let deeds = deeds(&*ledger).await;
    let count = |deed| deeds.iter().filter(|it| **it == deed).count();
    assert_eq!(count(Deed::ClaimOperator), 1);
    assert_eq!(count(Deed::GrantOperator), count(Deed::WithdrawOperator));
}

/// A host application's operator is none of the server's own: whoever it suspends, one of those stays who can act.
pub(crate) async fn p_operator_6_a_suspension_against_who_gives_up_the_right_leaves_one<
    E: Engine,
>(
    mut engine: E,
) {
    let_sign_in(&mut engine, &["ann", "bob"]).await;
    let ledger = engine.ledger();
    people(&*ledger, &["ann", "bob", "host"]).await;
    done(ledger.submit(command("ann", ClaimOperator)).await);
    let stands = |who: &str, is_suspended| {
        let action = SetStanding {
            user_id: user(who),
            is_suspended,
            reason: "because".to_owned(),
        };
        command("host", action)
    };
    let last = ledger.submit(stands("ann", true)).await;
    assert_eq!(code(last), Some(Code::LastOperator));
    let (mut left, mut other) = ("ann", "bob");
    for _ in 0..10 {
        done(ledger.submit(sets(left, other, true)).await);
        let calls = [sets(left, left, false), stands(other, true)].map(|command| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move { ledger.submit(command).await })
        });
        let mut codes = Vec::new();
        for call in calls {
            codes.push(code(call.await.expect("no panic")));
        }
        let refused = Some(Code::LastOperator);
        if codes == [None, refused] {
            (left, other) = (other, left);
        } else {
            assert_eq!(codes, [refused, None]);
            done(ledger.submit(stands(other, false)).await);
            done(ledger.submit(sets(left, other, false)).await);
        }
    }
}

pub(crate) async fn p_operator_6_who_cannot_sign_in_here_becomes_no_operator_and_is_none_who_stays<
    E: Engine,
>(
    mut engine: E,
) {
    let_sign_in(&mut engine, &["ann", "bob"]).await;
    // The right of Cyd is from a time in which nobody was asked for a way to sign in.
    let mut changes = Changes::default();
    let created_at = Timestamp(1);
    let right = OperatorRow { created_at };
    changes.operators.push((user("cyd"), Some(right)));
    engine.store(&changes);
    engine.reopen().await;
    let ledger = engine.ledger();
    people(&*ledger, &["ann", "bob", "cyd", "dee"]).await;
    done(ledger.submit(command("ann", ClaimOperator)).await);
    let refused = ledger.submit(sets("ann", "dee", true)).await;
    assert_eq!(code(refused), Some(Code::InvalidRequest));
    let stands = SetStanding {
        user_id: user("ann"),
        is_suspended: true,
        reason: "because".to_owned(),
    };
    for last in [sets("ann", "ann", false), command("dee", stands)] {
        assert_eq!(code(ledger.submit(last).await), Some(Code::LastOperator));
    }
    // With somebody who can sign in the one without goes, and then the first.
    done(ledger.submit(sets("ann", "bob", true)).await);
    done(ledger.submit(sets("ann", "cyd", false)).await);
    done(ledger.submit(sets("ann", "ann", false)).await);
    let left = list(&*ledger, PlainKey::Operators(10)).await;
    assert_eq!(left, [PlainKey::Operator(user("bob"))]);
}
