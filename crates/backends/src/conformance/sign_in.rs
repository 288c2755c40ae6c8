//! Rows of signing in, and what races for them.

use semel_core::{
    Changes, Key,
    actions::{
        Outcome,
        sign_in::{
            Budget, ClaimChallenge, LeaseEffects, NewSession, Purpose, RevokeSessions,
            RotateSession, SignedIn, StartChallenge, VerifyCode, Which,
        },
    },
    plain::PlainKey,
    ports::Ledger,
    row::UserRow,
    rows::List,
    sign_in::{
        BudgetRow, ChallengeRow, EffectKind, EffectRow, IdentityKind, IdentityRow, OperatorRow,
        SessionRow, SigningKeyRow,
    },
};
use semel_protocol::{ChallengeId, Code, SessionId, Timestamp, limits::CODE_TRIES_MAX};

use super::{
    Engine, load,
    world::{command, done, user, uuid},
};

const RIGHT: [u8; 32] = [7; 32];
const WRONG: [u8; 32] = [8; 32];

fn challenge_row() -> ChallengeRow {
    ChallengeRow {
        kind: IdentityKind::Oidc,
        value: "google".to_owned(),
        link_to: Some(user("ann")),
        secret_hash: RIGHT,
        sealed: vec![1, 2],
        tries: 3,
        created_at: Timestamp(1),
        expires_at: Timestamp(2),
        used_at: Some(Timestamp(3)),
        session_id: Some(SessionId(uuid(9))),
    }
}

fn session_row(who: &str) -> SessionRow {
    SessionRow {
        user_id: user(who),
        kind: IdentityKind::Email,
        device_id: Some("phone".to_owned()),
        device_name: None,
        salt: [4; 16],
        generation: 5,
        rotated_at: Timestamp(6),
        created_at: Timestamp(7),
        expires_at: Timestamp(8),
        revoked_at: None,
    }
}

fn everything() -> Changes {
    let mut changes = Changes::default();
    let identity = IdentityRow {
        user_id: user("ann"),
        label: "+49 30 1".to_owned(),
        verified_at: None,
        created_at: Timestamp(1),
    };
    let key = (IdentityKind::Phone, "+49301".to_owned());
    changes.identities.push((key, Some(identity)));
    let challenge = (ChallengeId(uuid(1)), Some(challenge_row()));
    changes.challenges.push(challenge);
    let ended = SessionRow {
        revoked_at: Some(Timestamp(50)),
        ..session_row("ann")
    };
    changes.sessions = vec![
        (SessionId(uuid(1)), Some(session_row("ann"))),
        (SessionId(uuid(2)), Some(ended)),
        (SessionId(uuid(3)), Some(session_row("bob"))),
    ];
    let key = SigningKeyRow {
        public: vec![1],
        sealed: vec![2],
        created_at: Timestamp(1),
        signs_until: Timestamp(2),
        expires_at: Timestamp(3),
    };
    changes.signing_keys.push(("k".to_owned(), Some(key)));
    let effect = EffectRow {
        kind: EffectKind::Email,
        sealed: vec![5],
        attempts: 1,
        due_at: Timestamp(10),
        expires_at: Timestamp(20),
    };
    changes.effects.push((uuid(5), Some(effect)));
    let budget = BudgetRow {
        count: 3,
        expires_at: Timestamp(30),
    };
    changes.budgets.push(("b".to_owned(), Some(budget)));
    let operator = OperatorRow {
        created_at: Timestamp(4),
    };
    changes.operators.push((user("ann"), Some(operator)));
    changes
}

fn single_keys() -> Vec<PlainKey> {
    vec![
        PlainKey::Identity(IdentityKind::Phone, "+49301".to_owned()),
        PlainKey::Challenge(ChallengeId(uuid(1))),
        PlainKey::Session(SessionId(uuid(1))),
        PlainKey::Session(SessionId(uuid(2))),
        PlainKey::Session(SessionId(uuid(3))),
        PlainKey::SigningKey("k".to_owned()),
        PlainKey::Effect(uuid(5)),
        PlainKey::Budget("b".to_owned()),
        PlainKey::Operator(user("ann")),
    ]
}

pub(crate) async fn rows_of_signing_in_come_back_and_go<E: Engine>(mut engine: E) {
    let stored = everything();
    engine.store(&stored);
    engine.reopen().await;
    let keys: Vec<Key> = single_keys().into_iter().map(Key::Plain).collect();
    let rows = load(engine.ledger().as_ref(), &[Key::Many(keys.clone())]).await;
    for (key, row) in &stored.identities {
        assert_eq!(rows.identities.get(key), Some(row.as_ref()));
    }
    for (key, row) in &stored.challenges {
        assert_eq!(rows.challenges.get(key), Some(row.as_ref()));
    }
    for (key, row) in &stored.sessions {
        assert_eq!(rows.sessions.get(key), Some(row.as_ref()));
    }
    assert_eq!(
        rows.signing_keys.get(&"k".to_owned()),
        Some(stored.signing_keys[0].1.as_ref())
    );
    assert_eq!(
        rows.effects.get(&uuid(5)),
        Some(stored.effects[0].1.as_ref())
    );
    assert_eq!(
        rows.budgets.get(&"b".to_owned()),
        Some(stored.budgets[0].1.as_ref())
    );
    assert_eq!(
        rows.operators.get(&user("ann")),
        Some(stored.operators[0].1.as_ref())
    );
    engine.ledger().close().await;
}

pub(crate) async fn what_is_absent_of_signing_in_is_known_to_be<E: Engine>(engine: E) {
    let rows = load(
        engine.ledger().as_ref(),
        &single_keys()
            .into_iter()
            .map(Key::Plain)
            .collect::<Vec<_>>(),
    )
    .await;
    assert_eq!(rows.sessions.get(&SessionId(uuid(1))), Some(None));
    assert_eq!(rows.budgets.get(&"b".to_owned()), Some(None));
    assert_eq!(rows.operators.get(&user("ann")), Some(None));
}

pub(crate) async fn lists_of_signing_in_name_what_they_say<E: Engine>(engine: E) {
    engine.store(&everything());
    let session = |number| PlainKey::Session(SessionId(uuid(number)));
    let cases = [
        (
            PlainKey::IdentitiesOf(user("ann")),
            vec![PlainKey::Identity(IdentityKind::Phone, "+49301".to_owned())],
        ),
        (PlainKey::IdentitiesOf(user("bob")), vec![]),
        (PlainKey::SessionsOf(user("ann")), vec![session(1)]),
        (PlainKey::RevokedSince(Timestamp(49)), vec![session(2)]),
        (PlainKey::RevokedSince(Timestamp(50)), vec![]),
        (
            PlainKey::SigningKeys,
            vec![PlainKey::SigningKey("k".to_owned())],
        ),
        (PlainKey::EffectsDue(Timestamp(9), 5), vec![]),
        (
            PlainKey::EffectsDue(Timestamp(10), 5),
            vec![PlainKey::Effect(uuid(5))],
        ),
        (
            PlainKey::Expired(Timestamp(4), 5),
            vec![
                PlainKey::Challenge(ChallengeId(uuid(1))),
                PlainKey::SigningKey("k".to_owned()),
            ],
        ),
    ];
    for (list, expected) in cases {
        let key = Key::Plain(list);
        let rows = load(engine.ledger().as_ref(), std::slice::from_ref(&key)).await;
        let Some(List::Plain(found)) = rows.lists.get(&key) else {
            panic!("{key:?} brings a list");
        };
        assert_eq!(*found, expected, "{key:?}");
    }
}

fn begin(number: u64, budget: u64) -> StartChallenge {
    StartChallenge {
        id: ChallengeId(uuid(number)),
        kind: IdentityKind::Phone,
        value: "+4930123".to_owned(),
        link_from: None,
        secret_hash: RIGHT,
        sealed: Vec::new(),
        effect: Some((uuid(1_000 + number), EffectKind::Phone, vec![1])),
        lifetime_ms: 600_000,
        budgets: vec![Budget {
            name: "number:+4930123".to_owned(),
            max: budget,
            period_ms: 3_600_000,
        }],
    }
}

fn guess(number: u64, secret_hash: [u8; 32], session: u64) -> VerifyCode {
    VerifyCode {
        challenge_id: ChallengeId(uuid(number)),
        secret_hash,
        session: NewSession {
            id: SessionId(uuid(session)),
            salt: [session as u8; 16],
            device_id: Some("phone".to_owned()),
            device_name: None,
        },
        purpose: Purpose::SignIn,
        budgets: Vec::new(),
    }
}

async fn submit(
    ledger: &dyn Ledger,
    action: impl Into<semel_core::actions::Action>,
) -> Result<SignedIn, Code> {
    let reply = ledger.submit(command("system", action)).await;
    match reply.expect("the ledger answers").result {
        Some(Ok(Outcome::SignedIn(signed_in))) => Ok(signed_in),
        Some(Err(refusal)) => Err(refusal.code),
        other => panic!("{other:?} is no answer to signing in"),
    }
}

async fn at_once<T: Send + 'static>(work: Vec<impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    let tasks: Vec<_> = work.into_iter().map(tokio::spawn).collect();
    let mut results = Vec::with_capacity(tasks.len());
    for task in tasks {
        results.push(task.await.expect("no panic"));
    }
    results
}

pub(crate) async fn req_d2_of_a_hundred_guesses_at_once_five_are_compared<E: Engine>(engine: E) {
    let ledger = engine.ledger();
    submit(ledger.as_ref(), begin(1, 5)).await.expect("begun");
    let guesses = (0..100).map(|number| {
        let ledger = ledger.clone();
        async move { submit(ledger.as_ref(), guess(1, WRONG, 100 + number)).await }
    });
    let results = at_once(guesses.collect()).await;
    let compared = results
        .iter()
        .filter(|result| matches!(result, Ok(SignedIn::WrongCode { .. })));
    assert_eq!(compared.count() as u64, CODE_TRIES_MAX);
    let over = results
        .iter()
        .filter(|result| matches!(result, Err(Code::ChallengeOver)));
    assert_eq!(over.count(), 95);
    // The right one comes too late, also after everything was forgotten.
    drop(ledger);
    let mut engine = engine;
    engine.crash().await;
    let late = submit(engine.ledger().as_ref(), guess(1, RIGHT, 300)).await;
    assert_eq!(late.err(), Some(Code::ChallengeOver));
}

pub(crate) async fn req_d2_two_right_guesses_at_once_bring_one_session<E: Engine>(engine: E) {
    let ledger = engine.ledger();
    submit(ledger.as_ref(), begin(1, 5)).await.expect("begun");
    let guesses = [100, 200].map(|number| {
        let ledger = ledger.clone();
        async move { submit(ledger.as_ref(), guess(1, RIGHT, number)).await }
    });
    let mut sessions = Vec::new();
    for result in at_once(guesses.into()).await {
        let Ok(SignedIn::Session { id, row, .. }) = result else {
            panic!("{result:?} is no session");
        };
        sessions.push((id, row.user_id));
    }
    assert_eq!(sessions[0], sessions[1]);
    let list = PlainKey::SessionsOf(sessions[0].1.clone());
    let rows = load(ledger.as_ref(), &[Key::Plain(list.clone())]).await;
    let Some(List::Plain(keys)) = rows.lists.get(&Key::Plain(list)) else {
        panic!("a list");
    };
    assert_eq!(keys.len(), 1);
}

pub(crate) async fn p_auth_14_an_answer_that_many_bring_at_once_is_taken_up_by_one<E: Engine>(
    engine: E,
) {
    let ledger = engine.ledger();
    let begun = StartChallenge {
        kind: IdentityKind::Oidc,
        effect: None,
        ..begin(1, 5)
    };
    submit(ledger.as_ref(), begun).await.expect("begun");
    let claims = (0..20).map(|_| {
        let ledger = ledger.clone();
        let challenge_id = ChallengeId(uuid(1));
        async move { submit(ledger.as_ref(), ClaimChallenge { challenge_id }).await }
    });
    let results = at_once(claims.collect()).await;
    let (claimed, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert!(
        matches!(claimed[..], [Ok(SignedIn::Claimed)]),
        "{claimed:?}"
    );
    for result in refused {
        assert_eq!(result.err(), Some(Code::SignInFailed));
    }
}

pub(crate) async fn req_d2_a_number_that_many_sign_in_with_at_once_is_one_person<E: Engine>(
    engine: E,
) {
    let ledger = engine.ledger();
    for number in 0..8 {
        submit(ledger.as_ref(), begin(number, 8))
            .await
            .expect("begun");
    }
    let over = submit(ledger.as_ref(), begin(8, 8)).await;
    assert_eq!(over.err(), Some(Code::RateLimited), "the budget");
    let guesses = (0..8).map(|number| {
        let ledger = ledger.clone();
        async move { submit(ledger.as_ref(), guess(number, RIGHT, 100 + number)).await }
    });
    let mut people = std::collections::BTreeSet::new();
    for result in at_once(guesses.collect()).await {
        let Ok(SignedIn::Session { row, .. }) = result else {
            panic!("{result:?} is no session");
        };
        people.insert(row.user_id);
    }
    assert_eq!(people.len(), 1);
}

pub(crate) async fn req_d2_a_refresh_that_many_ask_for_turns_once<E: Engine>(engine: E) {
    let ledger = engine.ledger();
    submit(ledger.as_ref(), begin(1, 5)).await.expect("begun");
    let session = SessionId(uuid(100));
    submit(ledger.as_ref(), guess(1, RIGHT, 100))
        .await
        .expect("a session");
    let rotate = |generation| RotateSession {
        session_id: session,
        generation,
        device_id: Some("phone".to_owned()),
    };
    let again = (0..20).map(|_| {
        let (ledger, rotate) = (ledger.clone(), rotate(0));
        async move { submit(ledger.as_ref(), rotate).await }
    });
    for result in at_once(again.collect()).await {
        let Ok(SignedIn::Session { row, .. }) = result else {
            panic!("{result:?} is no session");
        };
        assert_eq!(row.generation, 1, "the same next token for everybody");
    }
    // Two tokens on: the first one was stolen.
    submit(ledger.as_ref(), rotate(1)).await.expect("the next");
    let stolen = submit(ledger.as_ref(), rotate(0)).await;
    assert!(
        matches!(stolen, Ok(SignedIn::Reused { id, .. }) if id == session),
        "{stolen:?}"
    );
    let after = submit(ledger.as_ref(), rotate(2)).await;
    assert_eq!(after.err(), Some(Code::SessionRevoked));
}

pub(crate) async fn req_d2_sessions_of_others_cannot_be_ended<E: Engine>(engine: E) {
    let ledger = engine.ledger();
    engine.store(&everything());
    let revoke = |which| RevokeSessions { which };
    let theirs = revoke(Which::One(SessionId(uuid(1))));
    let refused = submit(ledger.as_ref(), theirs).await;
    assert_eq!(refused.err(), Some(Code::NotFound));
    let own = command("ann", revoke(Which::AllBut(None)));
    let outcome = done(ledger.submit(own).await);
    let Outcome::SignedIn(SignedIn::Revoked(ended)) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(ended, [SessionId(uuid(1))]);
}

pub(crate) async fn what_is_due_is_taken_by_one_worker<E: Engine>(engine: E) {
    let ledger = engine.ledger();
    for number in 0..6 {
        submit(ledger.as_ref(), begin(number, 100))
            .await
            .expect("begun");
    }
    let key = Key::Plain(PlainKey::Effect(uuid(1_005)));
    let rows = load(ledger.as_ref(), &[key]).await;
    let due_at = rows
        .effects
        .get(&uuid(1_005))
        .flatten()
        .expect("an effect")
        .due_at;
    let workers = (0..6).map(|_| {
        let ledger = ledger.clone();
        let lease = LeaseEffects {
            due_at,
            limit: 100,
            lease_ms: 60_000,
        };
        async move { submit(ledger.as_ref(), lease).await }
    });
    let mut taken = Vec::new();
    for result in at_once(workers.collect()).await {
        let Ok(SignedIn::Leased(leased)) = result else {
            panic!("{result:?} is no lease");
        };
        taken.extend(leased.into_iter().map(|(id, _)| id));
    }
    let mut once = taken.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), taken.len(), "nothing is taken twice");
    assert_eq!(taken.len(), 6, "and everything is taken");
}

/// People are only made together with what they are known by.
pub(crate) async fn a_person_is_made_with_their_number<E: Engine>(engine: E) {
    let ledger = engine.ledger();
    submit(ledger.as_ref(), begin(1, 5)).await.expect("begun");
    let session = submit(ledger.as_ref(), guess(1, RIGHT, 100)).await;
    let Ok(SignedIn::Session {
        row,
        is_new_person,
        is_verified,
        ..
    }) = session
    else {
        panic!("{session:?} is no session");
    };
    assert!(is_new_person && is_verified);
    let keys = [
        Key::User(row.user_id.clone()),
        Key::Plain(PlainKey::Identity(
            IdentityKind::Phone,
            "+4930123".to_owned(),
        )),
    ];
    let rows = load(ledger.as_ref(), &keys).await;
    let person: Option<&UserRow> = rows.users.get(&row.user_id).flatten();
    assert!(person.is_some());
    let identity = rows
        .identities
        .get(&(IdentityKind::Phone, "+4930123".to_owned()));
    assert_eq!(identity.flatten().map(|it| &it.user_id), Some(&row.user_id));
}
