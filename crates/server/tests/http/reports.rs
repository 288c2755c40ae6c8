//! Reports: who may make them, what they keep, and what operators make of them.

use reqwest::{Method, StatusCode};
use semel_protocol::limits::{REPORT_CHARACTERS_MAX, REPORTS_PER_PERSON_DAY_MAX};
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestServer, messages, text};

async fn report(who: &Client, thread: &str, message: &Value, reason: &str) -> Answer {
    let id = message["id"].as_str().unwrap();
    let path = format!("{}/{id}/report", messages(thread));
    who.post(&path, json!({"reason": reason})).await
}

async fn report_person(who: &Client, other: &str, body: Value) -> Answer {
    who.post(&format!("/api/users/{other}/report"), body).await
}

async fn reports(operator: &Client) -> Vec<Value> {
    let page = operator.get("/api/operator/reports").await.success();
    page["reports"].as_array().unwrap().clone()
}

async fn resolve(operator: &Client, report: &Value, body: Value) -> Answer {
    let id = report["report_id"].as_str().unwrap();
    let path = format!("/api/operator/reports/{id}/resolve");
    operator.post(&path, body).await
}

#[tokio::test]
async fn p_report_1_a_report_keeps_what_was_said_whatever_becomes_of_it() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let said = bob.say(&thread, "threatening words").await;
    report(&ann, &thread, &said, "violence").await.success();
    let path = format!("{}/{}", messages(&thread), text(&said["id"]));
    let edit = bob.call(Method::PATCH, &path);
    edit.json(&json!({"content": "kind words"})).send().await;
    bob.call(Method::DELETE, &path).send().await.success();
    let operator = server.operator();
    let found = reports(&operator).await;
    assert_eq!(found.len(), 1);
    let message = &found[0]["message"];
    assert_eq!(message["content"], "threatening words");
    assert_eq!(message["thread_id"], thread.as_str());
    assert_eq!(message["message_id"], said["id"]);
    assert_eq!(
        (&message["seq"], &message["rev"]),
        (&said["seq"], &said["rev"])
    );
    assert_eq!(message["created_at"], said["created_at"]);
    assert_eq!(found[0]["reporter_id"], "ann");
    assert_eq!(found[0]["user_id"], "bob");
    assert_eq!(found[0]["reason"], "violence");
    assert_eq!(found[0]["outcome"], Value::Null);
    // The thread itself says nothing of it to anybody.
    let entries = format!("/api/chat/threads/{thread}/entries?after_rev=0");
    let entries = bob.get(&entries).await.success()["entries"].to_string();
    assert!(!entries.contains("report"), "{entries}");
}

#[tokio::test]
async fn p_report_1_only_what_one_may_see_and_others_said_is_reported() {
    let server = TestServer::start().await;
    let [ann, bob, cem, eve] = server.people(["ann", "bob", "cem", "eve"]).await;
    let thread = ann.group(&[&bob, &cem]).await;
    let said = bob.say(&thread, "words").await;
    let refused = report(&eve, &thread, &said, "spam").await;
    refused.problem("not_found");
    let leave = format!("/api/chat/threads/{thread}/leave");
    cem.post(&leave, json!({})).await.success();
    report(&bob, &thread, &said, "spam")
        .await
        .problem("invalid_request");
    let page = ann.get(&messages(&thread)).await.success();
    let page = page["messages"].as_array().unwrap();
    let system = page
        .iter()
        .find(|message| message["kind"] == "system")
        .unwrap();
    report(&ann, &thread, system, "spam")
        .await
        .problem("forbidden");
    let other = ann.direct(&bob).await;
    report(&ann, &other, &said, "spam")
        .await
        .problem("not_found");
    let gone = bob.say(&thread, "words").await;
    let path = format!("{}/{}", messages(&thread), text(&gone["id"]));
    bob.call(Method::DELETE, &path).send().await.success();
    report(&ann, &thread, &gone, "spam")
        .await
        .problem("message_deleted");
    let spam = || json!({"reason": "spam"});
    report_person(&ann, "ann", spam())
        .await
        .problem("invalid_request");
    report_person(&ann, "nobody", spam())
        .await
        .problem("not_found");
    assert!(reports(&server.operator()).await.is_empty());
    report_person(&eve, "ann", spam()).await.success();
    assert_eq!(reports(&server.operator()).await.len(), 1);
}

#[tokio::test]
async fn p_report_1_who_is_out_reports_what_was_said_while_they_were_in() {
    let server = TestServer::start().await;
    let [ann, bob, cem, dan] = server.people(["ann", "bob", "cem", "dan"]).await;
    let thread = ann.group(&[&bob, &cem, &dan]).await;
    let early = bob.say(&thread, "rude words").await;
    let leave = format!("/api/chat/threads/{thread}/leave");
    cem.post(&leave, json!({})).await.success();
    let path = format!("/api/chat/threads/{thread}/participants/dan");
    ann.call(Method::DELETE, &path).send().await.success();
    let late = bob.say(&thread, "more of them").await;
    for out in [&cem, &dan] {
        report(out, &thread, &early, "harassment").await.success();
        let refused = report(out, &thread, &late, "harassment").await;
        refused.problem("not_found");
        // They report it; they do not read on.
        out.get(&messages(&thread)).await.problem("not_found");
    }
    let found = reports(&server.operator()).await;
    let about: Vec<_> = found.iter().map(|it| &it["message"]["content"]).collect();
    assert_eq!(about, ["rude words", "rude words"]);
}

#[tokio::test]
async fn p_report_2_the_first_report_of_a_person_about_something_stands() {
    let server = TestServer::start().await;
    let [ann, bob, cem] = server.people(["ann", "bob", "cem"]).await;
    let thread = ann.group(&[&bob, &cem]).await;
    let said = bob.say(&thread, "words").await;
    let first = report(&ann, &thread, &said, "spam").await.success();
    server.clock.advance_ms(1);
    let again = report(&ann, &thread, &said, "hate").await.success();
    assert_eq!(first, again);
    let of_cem = report(&cem, &thread, &said, "spam").await.success();
    assert_ne!(first, of_cem);
    let person = report_person(&ann, "bob", json!({"reason": "spam"})).await;
    assert_ne!(first, person.success());
    let found = reports(&server.operator()).await;
    assert_eq!(found.len(), 3);
    assert_eq!(
        found[0]["id"], first["report_id"],
        "in the order of reports"
    );
    assert_eq!(found[0]["reason"], "spam");
}

#[tokio::test]
async fn p_report_3_reports_have_a_reason_of_the_list_words_within_limits_and_a_budget() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let with = |details: String| {
        let body = json!({"reason": "other", "details": details});
        report_person(&ann, "bob", body)
    };
    with("é".repeat(REPORT_CHARACTERS_MAX + 1))
        .await
        .invalid("/details");
    with("a\0b".to_owned()).await.invalid("/details");
    report_person(&ann, "bob", json!({"reason": "dislike"}))
        .await
        .problem("invalid_request");
    report_person(&ann, "bob", json!({}))
        .await
        .problem("invalid_request");
    let longest = "é".repeat(REPORT_CHARACTERS_MAX);
    with(longest.clone()).await.success();
    assert_eq!(
        reports(&server.operator()).await[0]["details"],
        longest.as_str()
    );
    let thread = ann.direct(&bob).await;
    for _ in 1..REPORTS_PER_PERSON_DAY_MAX {
        let said = bob.say(&thread, "words").await;
        report(&ann, &thread, &said, "spam").await.success();
    }
    let said = bob.say(&thread, "words").await;
    let refused = report(&ann, &thread, &said, "spam").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let problem = refused.problem("rate_limited");
    let wait = problem["retry_after_ms"].as_i64().unwrap();
    assert!(refused.header("retry-after").parse::<i64>().unwrap() >= wait / 1_000);
    // A repeat counts for nothing, and others are not held up.
    with(String::new()).await.success();
    report(&bob, &thread, &ann.say(&thread, "x").await, "spam")
        .await
        .success();
    server.clock.advance_ms(wait);
    report(&server.user("ann"), &thread, &said, "spam")
        .await
        .success();
}

#[tokio::test]
async fn p_report_4_what_the_outcome_says_is_done_and_written_down_with_it() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let operator = server.operator();
    let thread = ann.direct(&bob).await;
    let said = bob.say(&thread, "words").await;
    let message = report(&ann, &thread, &said, "spam").await.success();
    let spam = json!({"reason": "spam", "details": "everywhere"});
    let person = report_person(&ann, "bob", spam).await.success();
    let because = |outcome: &str| json!({"outcome": outcome, "reason": "because"});
    resolve(&ann, &message, because("no_action"))
        .await
        .problem("forbidden");
    resolve(&operator, &person, because("message_removed"))
        .await
        .invalid("/outcome");
    resolve(&operator, &person, because("suspended"))
        .await
        .invalid("/user_id");
    let suspend = |who: &str| json!({"outcome": "suspended", "reason": "because", "user_id": who});
    resolve(&operator, &person, suspend("ann"))
        .await
        .invalid("/user_id");
    resolve(
        &operator,
        &person,
        json!({"outcome": "no_action", "reason": " "}),
    )
    .await
    .invalid("/reason");
    let done = resolve(&operator, &message, because("message_removed")).await;
    let done = done.success();
    assert_eq!(done["outcome"], "message_removed");
    let again = resolve(&operator, &message, because("message_removed")).await;
    assert_eq!(again.success(), done, "it stays as it is");
    resolve(&operator, &message, because("no_action"))
        .await
        .invalid("/outcome");
    let page = ann.get(&messages(&thread)).await.success();
    assert_eq!(page["messages"][0]["removed"], true);
    bob.get("/api/users/me").await.success();
    server.clock.advance_ms(1);
    resolve(&operator, &person, suspend("bob")).await.success();
    bob.get("/api/users/me").await.problem("suspended");
    let found = reports(&operator).await;
    let outcomes: Vec<_> = found.iter().map(|it| it["outcome"].clone()).collect();
    assert_eq!(outcomes, ["message_removed", "suspended"]);
    assert_eq!(found[0]["message"]["content"], "words", "what it was about");
    assert_eq!(found[0]["resolved_by"], "operator");
    let audit = operator.get("/api/operator/audit").await.success();
    let audit = audit["audit"].as_array().unwrap();
    let mut deeds: Vec<_> = audit.iter().map(|line| text(&line["deed"])).collect();
    deeds.sort();
    let all = [
        "remove_message",
        "resolve_report",
        "resolve_report",
        "suspend",
    ];
    assert_eq!(deeds, all);
    let of_reports = audit
        .iter()
        .filter(|line| line["deed"] == "resolve_report")
        .map(|line| line["report_id"].clone());
    let mut of_reports: Vec<_> = of_reports.map(|id| text(&id)).collect();
    of_reports.sort();
    let mut both = [text(&message["report_id"]), text(&person["report_id"])];
    both.sort();
    assert_eq!(of_reports, both);
}

#[tokio::test]
async fn p_report_4_open_reports_come_first_page_by_page() {
    let server = TestServer::start().await;
    let people = ["ann", "bob", "cem", "dan"];
    let [ann, ..] = server.people(people).await;
    let operator = server.operator();
    let mut made = Vec::new();
    for who in &people[1..] {
        let reported = report_person(&ann, who, json!({"reason": "spam"})).await;
        made.push(reported.success());
        server.clock.advance_ms(1);
    }
    let nothing = json!({"outcome": "no_action", "reason": "because"});
    resolve(&operator, &made[0], nothing).await.success();
    let mut seen = Vec::new();
    let mut path = "/api/operator/reports?limit=1".to_owned();
    loop {
        let page = operator.get(&path).await.success();
        seen.extend(page["reports"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => path = format!("/api/operator/reports?limit=1&cursor={next}"),
            None => break,
        }
    }
    let about: Vec<_> = seen.iter().map(|it| text(&it["user_id"])).collect();
    assert_eq!(about, ["cem", "dan", "bob"]);
    let bad = operator.get("/api/operator/reports?cursor=x").await;
    bad.invalid("?cursor");
}

/// An operator, too, does not learn who reported them.
#[tokio::test]
async fn p_report_5_whom_a_report_is_about_does_not_find_it() {
    let server = TestServer::start().await;
    let [ann, operator] = server.people(["ann", "operator"]).await;
    let report = report_person(&ann, "operator", json!({"reason": "fraud"})).await;
    let report = report.success();
    let reported = server.operator();
    assert_eq!(reported.id, operator.id);
    assert!(reports(&reported).await.is_empty());
    let nothing = json!({"outcome": "no_action", "reason": "because"});
    resolve(&reported, &report, nothing.clone())
        .await
        .problem("not_found");
    let sync = operator.get("/api/users/me").await.body;
    assert!(!sync.contains("report") && !sync.contains("ann"), "{sync}");
    let other = server.other_operator();
    assert_eq!(reports(&other).await.len(), 1);
    resolve(&other, &report, nothing).await.success();
}

/// Everything that somebody is shown of the audit log, page by page of one line.
async fn audit(who: &Client) -> Vec<Value> {
    let mut all = Vec::new();
    let mut path = "/api/operator/audit?limit=1".to_owned();
    loop {
        let page = who.get(&path).await.success();
        let lines = page["audit"].as_array().unwrap();
        assert!(lines.len() == 1 || page["next_cursor"].is_null(), "{page}");
        all.extend(lines.clone());
        match page["next_cursor"].as_str() {
            Some(next) => path = format!("/api/operator/audit?limit=1&cursor={next}"),
            None => return all,
        }
    }
}

/// What became of the report neither, by whatever line of the audit log.
#[tokio::test]
async fn p_report_5_the_audit_log_does_not_tell_operators_of_reports_about_themselves() {
    let server = TestServer::start().await;
    let [ann, operator] = server.people(["ann", "operator"]).await;
    let thread = ann.direct(&operator).await;
    let said = operator.say(&thread, "rude words").await;
    let of_message = report(&ann, &thread, &said, "fraud").await.success();
    let of_person = json!({"reason": "fraud"});
    let of_person = report_person(&ann, "operator", of_person).await.success();
    let of_ann = json!({"reason": "spam"});
    let of_ann = report_person(&operator, "ann", of_ann).await.success();
    let (reported, other) = (server.operator(), server.other_operator());
    let because = |outcome: &str| json!({"outcome": outcome, "reason": "because"});
    for (report, outcome) in [
        (&of_ann, "no_action"),
        (&of_message, "message_removed"),
        (&of_person, "no_action"),
    ] {
        server.clock.advance_ms(1);
        resolve(&other, report, because(outcome)).await.success();
    }
    let all = audit(&other).await;
    assert_eq!(all.len(), 4, "{all:?}");
    let seen = audit(&reported).await;
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen[0]["report_id"], of_ann["report_id"]);
}
