//! Signing in, with a clock that the test moves.

use semel_core::{
    Command, Context, Key, Refusal, Rows,
    actions::{
        Action, Begin, BeginErasure, Outcome, StartExport,
        sign_in::{
            Budget, ClaimOperator, NewSession, PruneSignIn, Purpose, RotateSession, SignedIn,
            StartChallenge, UnlinkIdentity, VerifyCode,
        },
    },
    execute,
    plain::PlainKey,
    rows::List,
    safety::Deed,
    sign_in::IdentityKind,
};
use semel_protocol::{
    ChallengeId, Code, SessionId, Timestamp, UserId,
    limits::{
        CODE_MINUTES_MAX, FRESH_SIGN_IN_MINUTES_MAX, REFRESH_GRACE_SECONDS, SESSION_DAYS_MAX,
        SESSION_IDLE_DAYS_MAX,
    },
};
use uuid::Uuid;

use super::support::renderer::Json;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
const START: i64 = 1_800_000_000_000;

/// A store that keeps everything in the rows themselves.
struct Store {
    rows: Rows,
    now: i64,
    seed: u128,
}

impl Store {
    fn new() -> Self {
        Self {
            rows: Rows::default(),
            now: START,
            seed: 0,
        }
    }

    fn act(&mut self, actor: &str, action: impl Into<Action>) -> Result<SignedIn, Refusal> {
        match self.outcome(actor, action)? {
            Outcome::SignedIn(signed_in) => Ok(signed_in),
            other => panic!("{other:?}"),
        }
    }

    fn outcome(&mut self, actor: &str, action: impl Into<Action>) -> Result<Outcome, Refusal> {
        self.seed += 1;
        let command = Command {
            actor: UserId::parse(actor).expect("a legal id"),
            action: action.into(),
            idempotency: None,
            request_id: String::new(),
        };
        loop {
            let context = Context {
                now: Timestamp(self.now),
                seed: self.seed << 32,
                content_key: &[0; 32],
                idempotency_ms: DAY,
                strangers_day_max: semel_protocol::limits::STRANGERS_PER_PERSON_DAY_DEFAULT,
            };
            match execute(&command, &mut self.rows, &context, &Json) {
                Err(key) => self.load(&key),
                Ok(reply) => {
                    self.rows.lists.clear();
                    return reply.result.expect("nothing is replayed");
                }
            }
        }
    }

    fn load(&mut self, key: &Key) {
        let rows = &mut self.rows;
        let key = match key {
            Key::Many(keys) => return keys.clone().iter().for_each(|key| self.load(key)),
            Key::User(who) | Key::Actor(who) => return rows.users.load(who.clone(), None),
            Key::PersonHead(who) => return rows.person_heads.load(who.clone(), None),
            Key::Plain(key) => key,
            other => panic!("{other:?}"),
        };
        match key {
            PlainKey::Identity(kind, value) => rows.identities.load((*kind, value.clone()), None),
            PlainKey::Challenge(id) => rows.challenges.load(*id, None),
            PlainKey::Session(id) => rows.sessions.load(*id, None),
            PlainKey::SigningKey(name) => rows.signing_keys.load(name.clone(), None),
            PlainKey::Effect(id) => rows.effects.load(*id, None),
            PlainKey::Budget(name) => rows.budgets.load(name.clone(), None),
            PlainKey::Operator(who) => rows.operators.load(who.clone(), None),
            list => {
                let keys = self.list(list);
                let key = Key::Plain(list.clone());
                self.rows.lists.insert(key, List::Plain(keys));
            }
        }
    }

    fn list(&self, key: &PlainKey) -> Vec<PlainKey> {
        let rows = &self.rows;
        match key {
            PlainKey::IdentitiesOf(who) => rows
                .identities
                .iter()
                .filter(|(_, row)| row.user_id == *who)
                .map(|((kind, value), _)| PlainKey::Identity(*kind, value.clone()))
                .collect(),
            PlainKey::SessionsOf(who) => rows
                .sessions
                .iter()
                .filter(|(_, row)| row.user_id == *who && row.revoked_at.is_none())
                .map(|(id, _)| PlainKey::Session(*id))
                .collect(),
            PlainKey::Expired(time, _) => {
                let challenges = rows.challenges.iter();
                let challenges = challenges.filter(|(_, row)| row.expires_at < *time);
                challenges.map(|(id, _)| PlainKey::Challenge(*id)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    /// A device of somebody's that signs in; who they are.
    fn sign_in(&mut self, number: u128, value: &str) -> String {
        let begun = self.act("system", begin(number, value, None));
        begun.expect("it begins");
        match self.act("system", guess(number, 1, Purpose::SignIn)) {
            Ok(SignedIn::Session { row, .. }) => row.user_id.as_str().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    fn rotate(&mut self, number: u128, generation: u64, device: &str) -> Result<u64, Code> {
        let rotate = RotateSession {
            session_id: SessionId(Uuid::from_u128(number)),
            generation,
            device_id: Some(device.to_owned()),
        };
        match self.act("system", rotate) {
            Ok(SignedIn::Session { row, .. }) => Ok(row.generation),
            Ok(SignedIn::Reused { .. }) => Err(Code::SignInFailed),
            Err(refusal) => Err(refusal.code),
            other => panic!("{other:?}"),
        }
    }
}

fn begin(number: u128, value: &str, link_from: Option<u128>) -> StartChallenge {
    StartChallenge {
        id: ChallengeId(Uuid::from_u128(number)),
        kind: IdentityKind::Email,
        value: value.to_owned(),
        link_from: link_from.map(|number| SessionId(Uuid::from_u128(number))),
        secret_hash: [1; 32],
        sealed: Vec::new(),
        effect: None,
        lifetime_ms: CODE_MINUTES_MAX * MINUTE,
        budgets: vec![Budget {
            name: format!("to {value}"),
            max: 3,
            period_ms: 60 * MINUTE,
        }],
    }
}

fn guess(number: u128, code: u8, purpose: Purpose) -> VerifyCode {
    VerifyCode {
        challenge_id: ChallengeId(Uuid::from_u128(number)),
        secret_hash: [code; 32],
        session: NewSession {
            id: SessionId(Uuid::from_u128(number)),
            salt: [2; 16],
            device_id: Some("phone".to_owned()),
            device_name: None,
        },
        purpose,
        budgets: Vec::new(),
    }
}

fn code(result: Result<SignedIn, Refusal>) -> Option<Code> {
    result.err().map(|refusal| refusal.code)
}

#[test]
fn req_d2_a_code_counts_for_ten_minutes() {
    for (later, expected) in [
        (CODE_MINUTES_MAX * MINUTE - 1, None),
        (CODE_MINUTES_MAX * MINUTE, Some(Code::ChallengeOver)),
    ] {
        let mut store = Store::new();
        store.act("system", begin(1, "a@b.c", None)).unwrap();
        store.now += later;
        assert_eq!(
            code(store.act("system", guess(1, 1, Purpose::SignIn))),
            expected
        );
    }
}

#[test]
fn req_d2_a_wrong_guess_is_counted_and_the_sixth_is_not_compared() {
    let mut store = Store::new();
    store.act("system", begin(1, "a@b.c", None)).unwrap();
    for left in (0..5).rev() {
        let result = store.act("system", guess(1, 9, Purpose::SignIn));
        assert!(matches!(result, Ok(SignedIn::WrongCode { tries_left }) if tries_left == left));
    }
    let right = store.act("system", guess(1, 1, Purpose::SignIn));
    assert_eq!(code(right), Some(Code::ChallengeOver));
}

#[test]
fn req_d2_the_answer_to_a_right_code_can_be_asked_for_again_for_a_while() {
    let grace = REFRESH_GRACE_SECONDS * 1_000;
    for (later, expected) in [(grace, None), (grace + 1, Some(Code::ChallengeOver))] {
        let mut store = Store::new();
        store.sign_in(1, "a@b.c");
        store.now += later;
        assert_eq!(
            code(store.act("system", guess(1, 1, Purpose::SignIn))),
            expected
        );
    }
    // A session that went on does not go back.
    let mut store = Store::new();
    store.sign_in(1, "a@b.c");
    store.rotate(1, 0, "phone").unwrap();
    let again = store.act("system", guess(1, 1, Purpose::SignIn));
    assert_eq!(code(again), Some(Code::ChallengeOver));
}

#[test]
fn req_d2_a_budget_is_taken_and_comes_back() {
    let mut store = Store::new();
    for number in 1..=3 {
        store.act("system", begin(number, "a@b.c", None)).unwrap();
    }
    let over = store.act("system", begin(4, "a@b.c", None));
    assert_eq!(code(over), Some(Code::RateLimited));
    store.act("system", begin(5, "x@b.c", None)).unwrap();
    store.now += 60 * MINUTE;
    store.act("system", begin(4, "a@b.c", None)).unwrap();
}

#[test]
fn req_d2_a_lost_refresh_is_answered_again_from_the_same_device_in_time() {
    let grace = REFRESH_GRACE_SECONDS * 1_000;
    for (later, device, expected) in [
        (grace, "phone", Ok(1)),
        (grace + 1, "phone", Err(Code::SignInFailed)),
        (0, "another", Err(Code::SignInFailed)),
    ] {
        let mut store = Store::new();
        store.sign_in(1, "a@b.c");
        assert_eq!(store.rotate(1, 0, "phone"), Ok(1));
        store.now += later;
        assert_eq!(store.rotate(1, 0, device), expected, "{later} {device}");
        let after = if expected.is_ok() {
            Ok(2)
        } else {
            Err(Code::SessionRevoked)
        };
        assert_eq!(store.rotate(1, 1, "phone"), after);
    }
}

#[test]
fn p_auth_6_a_token_that_another_device_has_ends_the_sign_in_also_when_it_is_the_newest() {
    let mut store = Store::new();
    store.sign_in(1, "a@b.c");
    assert_eq!(store.rotate(1, 0, "phone"), Ok(1));
    assert_eq!(store.rotate(1, 1, "another"), Err(Code::SignInFailed));
    assert_eq!(store.rotate(1, 1, "phone"), Err(Code::SessionRevoked));
}

#[test]
fn req_d2_a_token_of_before_a_restore_counts() {
    let mut store = Store::new();
    store.sign_in(1, "a@b.c");
    assert_eq!(store.rotate(1, 7, "phone"), Ok(8));
    assert_eq!(store.rotate(1, 0, "phone"), Err(Code::SignInFailed));
}

#[test]
fn req_d2_a_sign_in_ends_when_it_is_not_used_and_in_any_case() {
    let idle = SESSION_IDLE_DAYS_MAX * DAY;
    for (later, expected) in [(idle, Ok(1)), (idle + 1, Err(Code::SessionRevoked))] {
        let mut store = Store::new();
        store.sign_in(1, "a@b.c");
        store.now += later;
        assert_eq!(store.rotate(1, 0, "phone"), expected);
    }
    let mut store = Store::new();
    store.sign_in(1, "a@b.c");
    let mut generation = 0;
    while store.now + idle < START + SESSION_DAYS_MAX * DAY {
        store.now += idle;
        generation = store.rotate(1, generation, "phone").unwrap();
    }
    store.now = START + SESSION_DAYS_MAX * DAY;
    assert_eq!(
        store.rotate(1, generation, "phone"),
        Err(Code::SessionRevoked)
    );
}

#[test]
fn req_d2_linking_and_unlinking_take_a_fresh_sign_in() {
    let fresh = FRESH_SIGN_IN_MINUTES_MAX * MINUTE;
    for (later, expected) in [(fresh, None), (fresh + 1, Some(Code::FreshSignInNeeded))] {
        let mut store = Store::new();
        let ann = store.sign_in(1, "a@b.c");
        let link = |number| begin(number, "new@b.c", Some(1));
        store.act(&ann, link(2)).unwrap();
        store.act(&ann, guess(2, 1, Purpose::Link)).unwrap();
        store.now += later;
        assert_eq!(code(store.act(&ann, link(3))), expected);
        let unlink = UnlinkIdentity {
            kind: IdentityKind::Email,
            value: "a@b.c".to_owned(),
            session_id: SessionId(Uuid::from_u128(1)),
        };
        assert_eq!(code(store.act(&ann, unlink)), expected);
    }
    // With somebody else's session, nothing.
    let mut store = Store::new();
    store.sign_in(1, "a@b.c");
    let bob = store.sign_in(2, "bob@b.c");
    let stolen = store.act(&bob, begin(3, "new@b.c", Some(1)));
    assert_eq!(code(stolen), Some(Code::SessionRevoked));
}

#[test]
fn p_erase_1_exporting_and_erasing_take_a_fresh_sign_in() {
    let fresh = FRESH_SIGN_IN_MINUTES_MAX * MINUTE;
    let mut store = Store::new();
    let ann = store.sign_in(1, "a@b.c");
    let user_id = UserId::parse(&ann).unwrap();
    let session_id = Some(SessionId(Uuid::from_u128(1)));
    let export = || StartExport { session_id };
    let erase = || BeginErasure {
        user_id: user_id.clone(),
        by: Begin::Themselves(session_id),
    };
    store.now += fresh;
    assert!(store.outcome(&ann, export()).is_ok());
    store.now += 1;
    let late = [store.outcome(&ann, export()), store.outcome(&ann, erase())];
    for refused in late {
        assert_eq!(refused.unwrap_err().code, Code::FreshSignInNeeded);
    }
    // With somebody else's session, nothing.
    let bob = store.sign_in(2, "bob@b.c");
    let stolen = store.outcome(&bob, export());
    assert_eq!(stolen.unwrap_err().code, Code::SessionRevoked);
}

#[test]
fn the_link_makes_one_operator() {
    let mut store = Store::new();
    assert!(store.act("ann", ClaimOperator).is_ok());
    assert!(store.act("ann", ClaimOperator).is_ok());
    let written: Vec<Deed> = store.rows.audit.iter().map(|(_, row)| row.deed).collect();
    assert_eq!(written, [Deed::ClaimOperator]);
    assert_eq!(
        code(store.act("bob", ClaimOperator)),
        Some(Code::ChallengeOver)
    );
}

#[test]
fn what_is_over_is_removed_and_nothing_else() {
    let mut store = Store::new();
    store.act("system", begin(1, "a@b.c", None)).unwrap();
    store.now += CODE_MINUTES_MAX * MINUTE;
    store.act("system", begin(2, "a@b.c", None)).unwrap();
    store.now += 1;
    let prune = PruneSignIn {
        before: Timestamp(store.now),
        limit: 10,
    };
    let removed = store.act("system", prune);
    assert!(matches!(removed, Ok(SignedIn::Pruned(1))), "{removed:?}");
    let challenge = |number| ChallengeId(Uuid::from_u128(number));
    assert_eq!(store.rows.challenges.get(&challenge(1)), Some(None));
    assert!(store.rows.challenges.get(&challenge(2)).flatten().is_some());
}
