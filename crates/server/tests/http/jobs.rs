//! What the server does by itself goes on, whatever becomes of single people, and is done of everybody in turn.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use reqwest::Method;
use semel_core::{
    Command, Key, Reply,
    actions::Action,
    plain::PlainKey,
    ports::{Ledger, LedgerError, Question},
};
use semel_protocol::UserId;
use semel_server::jobs::{erase_due, tell_due};
use serde_json::json;

use crate::{
    refusing::{Refuse, guard, too_long, unreadable},
    support::{Client, TestServer},
};

/// People who fail at once: more than the server looks at together.
const MANY: usize = 12;

/// Between the jobs and the store: whose steps were taken, one after the other, and what is not answered.
struct Steps {
    inner: Arc<dyn Ledger>,
    taken: Mutex<Vec<String>>,
    refuse: Mutex<Option<Arc<Refuse>>>,
}

impl Steps {
    async fn server() -> (TestServer, Arc<Self>) {
        let mut steps = None;
        let between = |inner| {
            let made = Arc::new(Self {
                inner,
                taken: Mutex::default(),
                refuse: Mutex::default(),
            });
            steps = Some(Arc::clone(&made));
            made as Arc<dyn Ledger>
        };
        let server = TestServer::start_over(between).await;
        (server, steps.unwrap())
    }

    /// Nothing is answered that asks for such a key.
    fn refuse(&self, error: LedgerError, is_hit: impl Fn(&Key) -> bool + Send + Sync + 'static) {
        let refuse = move |keys: &[Key]| keys.iter().any(&is_hit).then(|| error.clone());
        *self.refuse.lock().unwrap() = Some(Arc::new(refuse));
    }

    fn answer_all(&self) {
        *self.refuse.lock().unwrap() = None;
    }

    /// Whose steps were taken since the last time.
    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.taken.lock().unwrap())
    }
}

#[async_trait]
impl Ledger for Steps {
    async fn submit(&self, command: Command) -> Result<Reply, LedgerError> {
        let whose = match &command.action {
            Action::TellStep(step) => Some(&step.user_id),
            Action::EraseStep(step) => Some(&step.user_id),
            _ => None,
        };
        let whose = whose.map(UserId::to_string);
        let reply = self.inner.submit(command).await;
        self.taken.lock().unwrap().extend(whose);
        reply
    }

    async fn answer(&self, question: Question) -> Result<(), LedgerError> {
        let refuse = self.refuse.lock().unwrap().clone();
        let Some(refuse) = refuse else {
            return self.inner.answer(question).await;
        };
        let (question, refused) = guard(question, refuse);
        self.inner.answer(question).await?;
        refused.answer()
    }

    async fn answer_first(&self, question: Question) -> Result<(), LedgerError> {
        self.inner.answer_first(question).await
    }

    fn incarnation(&self) -> String {
        self.inner.incarnation()
    }

    fn health(&self) -> Result<(), String> {
        self.inner.health()
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// Somebody with another name.
async fn rename(who: &Client) {
    let profile = json!({"display_name": format!("{} Smith", who.id)});
    let call = who.call(Method::PATCH, "/api/users/me").json(&profile);
    call.send().await.success();
}

/// The end of an account, which the job is not told of yet.
async fn end(who: &Client) {
    let body = json!({"user_id": who.id});
    who.post("/api/auth/erase", body).await.success();
}

/// Somebody who talks to as many people as that.
async fn talker(server: &TestServer, name: &str, partners: usize) -> Client {
    let [who] = server.people([name]).await;
    for number in 0..partners {
        let partner = format!("{name}-{number:02}");
        let [partner] = server.people([partner.as_str()]).await;
        let thread = who.direct(&partner).await;
        who.say(&thread, "hello").await;
    }
    who
}

fn is(who: &str, other: &UserId) -> bool {
    other.as_str() == who
}

#[tokio::test]
async fn p_profile_1_whoever_cannot_be_told_of_holds_up_nobody_else() {
    let hits: [fn(&Key) -> bool; 2] = [
        |key| matches!(key, Key::Plain(PlainKey::Telling(who)) if is("ann", who)),
        |key| matches!(key, Key::ContactsOf(who, ..) if is("ann", who)),
    ];
    for is_hit in hits {
        for error in [unreadable(), too_long()] {
            let (server, steps) = Steps::server().await;
            for who in server.people(["ann", "bob"]).await {
                rename(&who).await;
                server.clock.advance_ms(1);
            }
            steps.refuse(error, is_hit);
            tell_due(&server.app).await.unwrap();
            let taken = steps.taken();
            assert!(
                !taken.is_empty() && taken.iter().all(|who| who == "bob"),
                "{taken:?}"
            );
            steps.answer_all();
            tell_due(&server.app).await.unwrap();
            let taken = steps.taken();
            assert!(
                !taken.is_empty() && taken.iter().all(|who| who == "ann"),
                "{taken:?}"
            );
        }
    }
}

#[tokio::test]
async fn p_profile_1_however_many_cannot_be_told_of_the_others_are() {
    let (server, steps) = Steps::server().await;
    for number in 0..MANY {
        rename(&server.people([format!("p{number}").as_str()]).await[0]).await;
    }
    server.clock.advance_ms(1);
    rename(&server.people(["zoe"]).await[0]).await;
    steps.refuse(
        unreadable(),
        |key| matches!(key, Key::ContactsOf(who, ..) if !is("zoe", who)),
    );
    tell_due(&server.app).await.unwrap();
    let taken = steps.taken();
    assert!(
        !taken.is_empty() && taken.iter().all(|who| who == "zoe"),
        "{taken:?}"
    );
}

#[tokio::test]
async fn p_profile_1_who_has_few_to_be_told_does_not_wait_for_who_has_many() {
    let (server, steps) = Steps::server().await;
    let [ann, bob, cy] = server.people(["ann", "bob", "cy"]).await;
    // Whoever is no contact is told step by step, from one group to the next.
    for number in 0..8 {
        let names = [format!("silent-{number}"), format!("loud-{number}")];
        let [silent, loud] = server.people([names[0].as_str(), &names[1]]).await;
        ann.direct(&silent).await;
        server.clock.advance_ms(1);
        ann.group(&[&bob, &loud]).await;
        server.clock.advance_ms(1);
    }
    rename(&ann).await;
    server.clock.advance_ms(1);
    rename(&cy).await;
    tell_due(&server.app).await.unwrap();
    let taken = steps.taken();
    assert_eq!(taken.last().unwrap(), "ann", "{taken:?}");
    assert!(taken.contains(&"cy".to_owned()), "{taken:?}");
}

#[tokio::test]
async fn p_erase_1_whoever_cannot_be_erased_holds_up_nobody_else() {
    let hits: [fn(&Key) -> bool; 4] = [
        |key| matches!(key, Key::Plain(PlainKey::Erasure(who)) if is("ann", who)),
        |key| matches!(key, Key::Plain(PlainKey::Telling(who)) if is("ann", who)),
        |key| matches!(key, Key::SeatsOf(who, ..) if is("ann", who)),
        |key| matches!(key, Key::Messages(..)),
    ];
    for is_hit in hits {
        let (server, steps) = Steps::server().await;
        let ann = talker(&server, "ann", 1).await;
        let [bob] = server.people(["bob"]).await;
        end(&ann).await;
        server.clock.advance_ms(1);
        end(&bob).await;
        steps.refuse(unreadable(), is_hit);
        erase_due(&server.app).await.unwrap();
        assert_eq!(steps.taken().last().unwrap(), "bob");
        // Once it can be read again, and whoever was at it has had their time.
        steps.answer_all();
        server.clock.advance_ms(60_000);
        erase_due(&server.app).await.unwrap();
        let taken = steps.taken();
        assert!(
            !taken.is_empty() && taken.iter().all(|who| who == "ann"),
            "{taken:?}"
        );
    }
}

#[tokio::test]
async fn p_erase_1_however_many_cannot_be_erased_the_others_are() {
    let (server, steps) = Steps::server().await;
    for number in 0..MANY {
        end(&server.people([format!("p{number}").as_str()]).await[0]).await;
    }
    tell_due(&server.app).await.unwrap();
    server.clock.advance_ms(1);
    end(&server.people(["zoe"]).await[0]).await;
    steps.refuse(
        unreadable(),
        |key| matches!(key, Key::SeatsOf(who, ..) if !is("zoe", who)),
    );
    steps.taken();
    erase_due(&server.app).await.unwrap();
    let taken = steps.taken();
    assert!(
        !taken.is_empty() && taken.iter().all(|who| who == "zoe"),
        "{taken:?}"
    );
}

#[tokio::test]
async fn p_erase_1_who_has_said_little_does_not_wait_for_who_has_said_much() {
    let (server, steps) = Steps::server().await;
    let ann = talker(&server, "ann", 12).await;
    let [bob] = server.people(["bob"]).await;
    end(&ann).await;
    server.clock.advance_ms(1);
    end(&bob).await;
    erase_due(&server.app).await.unwrap();
    let taken = steps.taken();
    assert_eq!(taken.last().unwrap(), "ann", "{taken:?}");
    assert!(taken.contains(&"bob".to_owned()), "{taken:?}");
}
