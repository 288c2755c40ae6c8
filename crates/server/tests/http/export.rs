//! Exports: what is in them, what is not, and how often.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::{Method, StatusCode};
use semel_core::{
    Command, Reply,
    actions::{
        Action, Begin, BeginErasure, SetStanding,
        sign_in::{RevokeSessions, Which},
    },
    ports::{Ledger, LedgerError, Question},
};
use semel_protocol::{
    UserId,
    limits::{EXPORTS_PER_PERSON_DAY_MAX, PAGE_ROWS_MAX},
};
use serde_json::{Value, json};

use crate::{
    pictures::png,
    sign_in::signed_in,
    support::{Answer, Client, TestServer, client_id, messages, text},
};

const EXPORT: &str = "/api/users/me/export";

fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let lines = answer.body.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn of_type<'a>(lines: &'a [Value], name: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == name).collect()
}

async fn say_many(who: &Client, thread: &str, count: usize) {
    for part in 0..count.div_ceil(50) {
        let batch = (0..50.min(count - part * 50)).map(|_| {
            let body = json!({"client_id": client_id(), "content": "of the caller"});
            who.post(&messages(thread), body)
        });
        for said in futures_util::future::join_all(batch).await {
            said.expect(StatusCode::CREATED);
        }
    }
}

#[tokio::test]
async fn p_export_1_everything_that_is_stored_about_a_person_is_in_it_and_nothing_of_others() {
    let server = TestServer::start().await;
    let [bob, cem] = server.people(["bob", "cem"]).await;
    let (me, _) = signed_in(&server).await;
    let about = json!({"display_name": "Me", "about": "something"});
    let profile = me.call(Method::PATCH, "/api/users/me");
    profile.json(&about).send().await.success();
    let direct = me.direct(&bob).await;
    bob.say(&direct, "of Bob").await;
    // More than a page of messages.
    say_many(&me, &direct, PAGE_ROWS_MAX + 7).await;
    let group = bob.group(&[&me, &cem]).await;
    me.say(&group, "of the caller").await;
    let secret = bob.say(&group, "of Bob").await;
    let report = format!("{}/{}/report", messages(&group), text(&secret["id"]));
    let why = json!({"reason": "spam", "details": "my words"});
    me.post(&report, why).await.success();
    bob.post("/api/users/cem/report", json!({"reason": "spam"}))
        .await
        .success();
    let of_me = format!("/api/users/{}/report", me.id);
    bob.post(&of_me, json!({"reason": "fraud"})).await.success();
    let leave = format!("/api/chat/threads/{group}/leave");
    me.post(&leave, json!({})).await.success();
    let block = me.call(Method::PUT, "/api/blocks/cem");
    block.send().await.success();

    let answer = me.get(EXPORT).await;
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    assert_eq!(answer.header("cache-control"), "no-store");
    let lines = lines(&answer);
    let last = lines.last().unwrap();
    assert_eq!(last["type"], "end");
    assert_eq!(last["lines"], lines.len() - 1);
    assert_eq!(lines[0]["type"], "begin");
    assert_eq!(lines[0]["user_id"], me.id.as_str());
    assert_eq!(of_type(&lines, "profile")[0]["about"], "something");
    assert_eq!(of_type(&lines, "identity").len(), 2);
    assert_eq!(of_type(&lines, "session").len(), 2);
    assert_eq!(of_type(&lines, "findability").len(), 1);
    assert_eq!(of_type(&lines, "contact").len(), 2);
    assert_eq!(of_type(&lines, "block")[0]["user"]["user_id"], "cem");
    let threads = of_type(&lines, "thread");
    assert_eq!(threads.len(), 2);
    for thread in threads {
        let is_in = thread["thread_id"] == direct.as_str();
        assert_eq!(thread["is_in"], is_in);
        let periods = thread["periods"].as_array().unwrap();
        assert_eq!(periods.len(), 1);
        assert_eq!(periods[0]["left_at"].is_null(), is_in, "{thread}");
        assert_eq!(periods[0]["until_seq"].is_null(), is_in, "{thread}");
        assert!(thread["joined_at"].is_string() && thread["is_removed"] == false);
        assert!(thread["delivered_seq"].as_u64() >= thread["read_seq"].as_u64());
    }
    let said = of_type(&lines, "message");
    assert_eq!(said.len(), PAGE_ROWS_MAX + 8);
    assert!(said.iter().all(|it| it["content"] == "of the caller"));
    let reports = of_type(&lines, "report");
    assert_eq!(reports.len(), 1, "those that others made are theirs");
    assert_eq!(reports[0]["details"], "my words");
    assert!(
        !answer.body.contains("of Bob"),
        "not even what was reported"
    );
    assert!(!answer.body.contains("fraud"));
}

#[tokio::test]
async fn p_export_1_handles_that_were_given_up_and_deeds_of_an_operator_are_in_it() {
    let server = TestServer::start().await;
    let [cem] = server.people(["cem"]).await;
    let (me, _) = signed_in(&server).await;
    for handle in ["first_one", "second_one"] {
        let take = me.call(Method::PUT, "/api/users/me/handle");
        take.json(&json!({"handle": handle})).send().await.success();
    }
    let suspend = format!("/api/operator/people/{}/suspend", cem.id);
    me.post(&suspend, json!({"reason": "my reason"}))
        .await
        .success();
    let answer = me.get(EXPORT).await;
    let lines = lines(&answer);
    let mut handles = of_type(&lines, "handle");
    handles.sort_by_key(|line| line["handle"].to_string());
    let kept = handles.iter().map(|line| line["kept_until"].is_string());
    assert_eq!(kept.collect::<Vec<_>>(), [true, false], "{handles:?}");
    assert!(of_type(&lines, "operator")[0]["since"].is_string());
    let deeds = of_type(&lines, "deed");
    let mut deeds: Vec<_> = deeds.iter().map(|line| text(&line["deed"])).collect();
    deeds.sort();
    assert_eq!(deeds, ["claim_operator", "suspend"]);
    let answer = cem.get(EXPORT).await;
    assert_eq!(
        answer.status,
        StatusCode::FORBIDDEN,
        "of a suspended person"
    );
}

#[tokio::test]
async fn p_export_1_reactions_and_links_of_the_caller_are_in_it() {
    let server = TestServer::start().await;
    let [ann, bob, cem] = server.people(["ann", "bob", "cem"]).await;
    let group = ann.group(&[&bob, &cem]).await;
    let path = format!("/api/chat/threads/{group}");
    let everyone = ann.call(Method::PATCH, &path);
    let everyone = everyone.json(&json!({"settings": {"adding": "everyone"}}));
    everyone.send().await.success();
    let said = cem.say(&group, "of Cem").await;
    let react = async |who: &Client, emoji: &str| {
        let path = format!(
            "{}/{}/reactions/{emoji}",
            messages(&group),
            text(&said["id"])
        );
        who.call(Method::PUT, &path).send().await.success();
    };
    for emoji in ["👍", "🎉"] {
        react(&ann, emoji).await;
        react(&bob, emoji).await;
    }
    let taken_back = format!("{}/{}/reactions/🎉", messages(&group), text(&said["id"]));
    ann.call(Method::DELETE, &taken_back).send().await.success();
    let invites = format!("{path}/invites");
    let mut made = Vec::new();
    for (who, body) in [
        (&ann, json!({"uses_max": 3, "expires_in_minutes": 5})),
        (&bob, json!({})),
    ] {
        let invite = who.post(&invites, body).await.success()["invite"].clone();
        made.push(invite);
    }
    // Also where they are out, and what counts no more is stored all the same.
    let leave = format!("{path}/leave");
    ann.post(&leave, json!({})).await.success();
    server.clock.advance_ms(6 * 60_000);

    let answer = ann.get(EXPORT).await;
    let lines = lines(&answer);
    assert_eq!(lines.last().unwrap()["lines"], lines.len() - 1);
    let reactions = of_type(&lines, "reaction");
    let expected = json!({
        "type": "reaction", "thread_id": group, "message_id": said["id"], "emoji": "👍",
    });
    assert_eq!(reactions, [&expected]);
    let of_ann = &made[0];
    let expected = json!({
        "type": "invite", "invite_id": of_ann["id"], "thread_id": group, "created_at": of_ann["created_at"],
        "expires_at": of_ann["expires_at"], "uses_max": 3, "uses": 0,
    });
    assert_eq!(of_type(&lines, "invite"), [&expected]);
    for of_others in ["of Cem", &text(&of_ann["token"])] {
        assert!(!answer.body.contains(of_others), "{of_others}");
    }
}

#[tokio::test]
async fn p_export_1_pictures_of_the_caller_are_in_it_with_what_they_show() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let mut addresses = Vec::new();
    for (who, color) in [(&ann, 1), (&ann, 2), (&bob, 3)] {
        let upload = who.call(Method::POST, "/api/pictures").bytes(png(color));
        let upload = upload.header("content-type", "image/png").send().await;
        addresses.push(text(&upload.success()["picture"]));
    }
    let profile = ann.call(Method::PATCH, "/api/users/me");
    let profile = profile.json(&json!({"picture": addresses[0]}));
    profile.send().await.success();

    let answer = ann.get(EXPORT).await;
    let lines = lines(&answer);
    assert_eq!(lines.last().unwrap()["lines"], lines.len() - 1);
    let pictures = of_type(&lines, "picture");
    let mut found: Vec<_> = pictures.iter().map(|it| text(&it["picture"])).collect();
    let mut expected = addresses[..2].to_vec();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "those that others uploaded are theirs");
    for line in pictures {
        let is_used = line["picture"] == addresses[0].as_str();
        assert_eq!(line["expires_at"].is_null(), is_used, "{line}");
        assert_eq!(line["media_type"], "image/jpeg");
        let shown = server.stranger().get(&text(&line["picture"])).await;
        let content = BASE64_STANDARD.decode(text(&line["content"])).unwrap();
        assert!(content.starts_with(&[0xff, 0xd8]), "a JPEG");
        let length = shown.header("content-length");
        assert_eq!(content.len().to_string(), length);
    }
    assert!(!answer.body.contains(&addresses[2]));
}

#[tokio::test]
async fn p_export_2_a_person_exports_so_often_in_a_day() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    for _ in 0..EXPORTS_PER_PERSON_DAY_MAX {
        lines(&ann.get(EXPORT).await);
    }
    let refused = ann.get(EXPORT).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let problem = refused.problem("rate_limited");
    assert!(!refused.header("retry-after").is_empty());
    lines(&bob.get(EXPORT).await);
    let wait = problem["retry_after_ms"].as_i64().unwrap();
    server.clock.advance_ms(wait);
    lines(&server.user("ann").get(EXPORT).await);
}

/// A store that does something between two questions.
struct Between {
    inner: Arc<dyn Ledger>,
    /// Questions until then.
    left: AtomicUsize,
    command: Mutex<Option<Command>>,
}

#[async_trait]
impl Ledger for Between {
    async fn submit(&self, command: Command) -> Result<Reply, LedgerError> {
        self.inner.submit(command).await
    }

    async fn answer(&self, question: Question) -> Result<(), LedgerError> {
        let command = self.command.lock().expect("no panic").clone();
        if let Some(command) = command
            && self.left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            let done = self.inner.submit(command).await?.result;
            assert!(matches!(done, Some(Ok(_))), "{done:?}");
        }
        self.inner.answer(question).await
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

/// Whatever ends the right to it, on whatever server: the next page is not read.
#[tokio::test]
async fn p_export_1_an_export_under_way_ends_with_the_sign_in() {
    for number in 0..4 {
        let mut between = None;
        let server = TestServer::start_over(|inner| {
            let ledger = Arc::new(Between {
                inner,
                left: AtomicUsize::new(3),
                command: Mutex::default(),
            });
            between = Some(Arc::clone(&ledger));
            ledger
        })
        .await;
        let [bob] = server.people(["bob"]).await;
        let (me, _) = signed_in(&server).await;
        let direct = me.direct(&bob).await;
        me.say(&direct, "of the caller").await;
        let system = UserId::parse("system").unwrap();
        let of_me = UserId::parse(&me.id).unwrap();
        let reason = || "a reason".to_owned();
        let user_id = UserId::parse("bob").unwrap();
        let sign_out: Action = RevokeSessions {
            which: Which::AllBut(None),
        }
        .into();
        let (exporter, actor, action) = match number {
            0 => (&me, of_me, sign_out),
            1 => {
                let (is_suspended, reason) = (true, reason());
                let suspend = SetStanding {
                    user_id,
                    is_suspended,
                    reason,
                };
                (&bob, system, suspend.into())
            }
            2 => {
                let by = Begin::Operator(reason());
                (&bob, system, BeginErasure { user_id, by }.into())
            }
            // Somebody else's sign-ins end.
            _ => (&me, system, sign_out),
        };
        let command = Command {
            actor,
            action,
            idempotency: None,
            request_id: "request".to_owned(),
        };
        *between.unwrap().command.lock().unwrap() = Some(command);
        let answer = exporter.call(Method::GET, EXPORT).0.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let body = answer.text().await;
        let is_whole = body.is_ok_and(|body| body.contains(r#""type":"end""#));
        assert_eq!(is_whole, number == 3, "{number}");
    }
}
