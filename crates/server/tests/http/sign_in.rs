//! Somebody who signed in here, for tests that need such a person.

use semel_core::{
    Command,
    actions::{
        Action, Outcome,
        sign_in::{ClaimOperator, NewSession, Purpose, SignedIn, StartChallenge, VerifyCode},
    },
    sign_in::IdentityKind,
};
use semel_protocol::{ChallengeId, SessionId, UserId};
use semel_server::auth::{Scope, SignedInAs};
use uuid::Uuid;

use crate::support::{Client, TestServer};

async fn act(server: &TestServer, actor: &UserId, action: impl Into<Action>) -> SignedIn {
    let command = Command {
        actor: actor.clone(),
        action: action.into(),
        idempotency: None,
        request_id: "request".to_owned(),
    };
    match server.app.submit(command).await.unwrap().result {
        Some(Ok(Outcome::SignedIn(signed_in))) => signed_in,
        other => panic!("{other:?}"),
    }
}

fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn begin(number: u128, kind: IdentityKind, value: &str, link_from: Option<u128>) -> StartChallenge {
    StartChallenge {
        id: ChallengeId(uuid(number)),
        kind,
        value: value.to_owned(),
        link_from: link_from.map(|number| SessionId(uuid(number))),
        secret_hash: [1; 32],
        sealed: Vec::new(),
        effect: None,
        lifetime_ms: 60_000,
        budgets: Vec::new(),
    }
}

fn guess(number: u128, purpose: Purpose) -> VerifyCode {
    VerifyCode {
        challenge_id: ChallengeId(uuid(number)),
        secret_hash: [1; 32],
        session: NewSession {
            id: SessionId(uuid(number)),
            salt: [2; 16],
            device_id: None,
            device_name: None,
        },
        purpose,
        budgets: Vec::new(),
    }
}

/// Somebody else who signed in here.
pub(crate) async fn another_signed_in(server: &TestServer) -> String {
    let nobody = UserId::parse("system").unwrap();
    let to = (IdentityKind::Phone, "+493012345679");
    act(server, &nobody, begin(4, to.0, to.1, None)).await;
    match act(server, &nobody, guess(4, Purpose::SignIn)).await {
        SignedIn::Session { row, .. } => row.user_id.as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// An operator who signed in here, in two ways and on two devices; the other device.
pub(crate) async fn signed_in(server: &TestServer) -> (Client, String) {
    semel_server::sign_in::begin(&server.app).await.unwrap();
    let nobody = UserId::parse("system").unwrap();
    let (phone, number) = (IdentityKind::Phone, "+493012345678");
    let mut who = nobody.clone();
    for device in [1, 2] {
        act(server, &nobody, begin(device, phone, number, None)).await;
        match act(server, &nobody, guess(device, Purpose::SignIn)).await {
            SignedIn::Session { row, .. } => who = row.user_id,
            other => panic!("{other:?}"),
        }
    }
    act(
        server,
        &who,
        begin(3, IdentityKind::Email, "ann@example.org", Some(1)),
    )
    .await;
    act(server, &who, guess(3, Purpose::Link)).await;
    act(server, &who, ClaimOperator).await;
    let token = server.app.tokens.sign_in(SignedInAs {
        user_id: &who,
        session_id: SessionId(uuid(1)),
        scope: Scope::Operator,
        is_verified: true,
    });
    let mut caller = server.stranger();
    caller.token = Some(token.unwrap().0);
    who.as_str().clone_into(&mut caller.id);
    (caller, uuid(2).to_string())
}
