//! Every message several times at once: over two connections and over HTTP. Each must be stored once.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use semel_client::{Api, Attempt, Destination, IdMaker, Outcome as CallOutcome, Witness};
use semel_protocol::{
    ClientId, MessageId, Seq, ThreadId, ThreadType, limits, requests::SendMessage,
};
use tokio::{sync::mpsc, time::Instant};

use super::{
    LoadError, Outcome,
    device::{Answer, Interest, stored, words},
    orders::{Deed, Desk, Orders, desk},
    stage::Stage,
    tally::{Tally, Timed},
};
use crate::record::SessionRecord;

/// Copies of a message that are sent at once: three over two connections, two over HTTP.
const COPIES: u64 = 5;
/// Connections of a sender and their receiver.
const CONNECTIONS_EACH: usize = 3;

/// Somebody who says everything several times.
struct Stutterer {
    name: String,
    thread_id: ThreadId,
    ids: IdMaker,
    sockets: [Desk; 2],
    http: [mpsc::UnboundedSender<(Instant, ClientId)>; 2],
    answers: mpsc::UnboundedReceiver<Answer>,
}

/// What became of the copies of one message.
#[derive(Default)]
struct Copies {
    places: HashSet<(MessageId, Seq)>,
    fresh: u64,
}

pub(super) async fn duplicate_storm(stage: &mut Stage<'_>) -> Result<Outcome, LoadError> {
    let count = (stage.plan.connections / CONNECTIONS_EACH).max(1);
    let mut stutterers = Vec::with_capacity(count);
    for number in 0..count {
        stutterers.push(prepare(stage, number).await?);
    }
    stage.begin();
    let elapsed = stage
        .load(|arrival| {
            let one = &mut stutterers[arrival.number as usize % count];
            let client_id = one.ids.next((stage.target.now)());
            one.stutter(arrival.due, client_id, &stage.tally);
        })
        .await;
    stage.tally.enter("counting what is stored");
    let mut found = Found::default();
    for mut one in stutterers {
        let mut answers = Vec::new();
        while let Ok(answer) = one.answers.try_recv() {
            answers.push(answer);
        }
        let log = read(&stage.api(&one.name, 0), one.thread_id).await?;
        found.compare(&answers, &log);
    }
    Ok(found.outcome(elapsed))
}

/// What is in the logs, beside what was answered.
#[derive(Default)]
struct Found {
    messages: u64,
    stored_twice: u64,
    answers_differ: u64,
    missing: u64,
}

impl Found {
    fn compare(&mut self, answers: &[Answer], log: &HashMap<ClientId, u64>) {
        let mut by_id: HashMap<ClientId, Copies> = HashMap::new();
        for answer in answers {
            let copies = by_id.entry(answer.client_id).or_default();
            copies.places.extend(answer.place);
            copies.fresh += u64::from(answer.place.is_some() && !answer.is_duplicate);
        }
        self.messages += log.len() as u64;
        self.stored_twice += log.values().filter(|times| **times > 1).count() as u64;
        for (client_id, copies) in by_id {
            let is_acknowledged = !copies.places.is_empty();
            self.missing += u64::from(is_acknowledged && !log.contains_key(&client_id));
            self.answers_differ += u64::from(copies.places.len() > 1 || copies.fresh > 1);
        }
    }

    fn outcome(&self, elapsed: Duration) -> Outcome {
        let mut outcome = Outcome::new(elapsed).rate(
            "messages_per_second",
            "different messages/s",
            self.messages,
        );
        for (name, text, count) in [
            ("copies_of_each", "copies of each message, at once", COPIES),
            (
                "stored_twice",
                "messages stored more than once",
                self.stored_twice,
            ),
            (
                "answers_differ",
                "messages whose answers differ",
                self.answers_differ,
            ),
            (
                "missing",
                "acknowledged messages that are missing",
                self.missing,
            ),
        ] {
            outcome.measure(name, text, count as f64);
        }
        if self.stored_twice + self.answers_differ + self.missing > 0 {
            outcome.fail("a message must be stored once, and every copy must get the same answer");
        }
        outcome
    }
}

/// How often each client id is in a thread.
async fn read(api: &Api, thread_id: ThreadId) -> Result<HashMap<ClientId, u64>, LoadError> {
    let mut found = HashMap::new();
    let mut after = 0;
    loop {
        let page = api
            .messages_after(thread_id, after, limits::PAGE_MESSAGES_MAX)
            .await;
        let page = page.map_err(LoadError::Api)?.data;
        for client_id in page.messages.iter().filter_map(|message| message.client_id) {
            *found.entry(client_id).or_insert(0) += 1;
        }
        if !page.has_more {
            return Ok(found);
        }
        after = page.to_seq;
    }
}

impl Stutterer {
    /// Sends all copies. The first of them is what was due, and is counted.
    fn stutter(&self, due: Instant, client_id: ClientId, tally: &Tally) {
        (1..COPIES).for_each(|_| tally.ask());
        let [first, second] = &self.sockets;
        for desk in [first, second, first] {
            desk.order(due, Deed::Copy(client_id));
        }
        for http in &self.http {
            // A task that is gone has been noted.
            let _ = http.send((due, client_id));
        }
    }
}

async fn prepare(stage: &mut Stage<'_>, number: usize) -> Result<Stutterer, LoadError> {
    let (name, other) = (
        stage.name("stutterer", number),
        stage.name("listener", number),
    );
    let names = [name.clone(), name.clone(), other.clone()];
    let open = stage.connect(&names).await?;
    let people = [name.clone(), other];
    let thread_id = stage.thread(&people, ThreadType::Direct).await?;
    let (told, answers) = mpsc::unbounded_channel();
    let mut sockets = Vec::new();
    for (place, transport) in open.into_iter().enumerate() {
        let is_sender = place < 2;
        let interest = Interest {
            times_screen: !is_sender,
            answers: is_sender.then(|| told.clone()),
            witness: stage.witness(&names[place]),
            ..Interest::default()
        };
        let orders = if is_sender {
            let (orders, desk) = desk(thread_id);
            sockets.push(desk);
            orders
        } else {
            Orders::None
        };
        stage.put_to_work(
            number * CONNECTIONS_EACH + place,
            transport,
            interest,
            orders,
        );
    }
    let http = [0, 1].map(|place| {
        let (sends, waiting) = mpsc::unbounded_channel();
        let caller = Caller {
            api: stage.api(&name, number + place),
            tally: Arc::clone(&stage.tally),
            zero: stage.shared.zero,
            thread_id,
            witness: stage.witness_of_sends(&name),
            told: told.clone(),
        };
        stage.devices.spawn(caller.run(waiting));
        sends
    });
    let sockets = sockets
        .try_into()
        .ok()
        .expect("a sender has two connections");
    let ids = stage.target.ids(1 << 32 | number as u64);
    Ok(Stutterer {
        name,
        thread_id,
        ids,
        sockets,
        http,
        answers,
    })
}

/// One HTTP connection over which copies are sent.
struct Caller {
    api: Api,
    tally: Arc<Tally>,
    zero: Instant,
    thread_id: ThreadId,
    witness: Option<Arc<SessionRecord>>,
    told: mpsc::UnboundedSender<Answer>,
}

impl Caller {
    async fn run(self, mut sends: mpsc::UnboundedReceiver<(Instant, ClientId)>) {
        while let Some((due, client_id)) = sends.recv().await {
            let answer = self.send(due, client_id).await;
            // Whoever compares may have seen enough.
            let _ = self.told.send(answer);
        }
    }

    async fn send(&self, due: Instant, client_id: ClientId) -> Answer {
        let content = words(due - self.zero);
        let attempt = self.witness.as_ref().map(|witness| {
            witness.attempt(&Attempt {
                client_id,
                destination: &Destination::Thread(self.thread_id),
                content: &content,
                number: 1,
                in_order: false,
            })
        });
        let tell = |outcome: CallOutcome<'_>| {
            if let (Some(witness), Some(attempt)) = (&self.witness, attempt) {
                witness.outcome(attempt, outcome);
            }
        };
        let body = SendMessage {
            client_id,
            content,
            kind: None,
            reply_to: None,
            attachments: Vec::new(),
        };
        match self.api.send(self.thread_id, &body, None).await {
            Ok(reply) => {
                tell(CallOutcome::Stored(&stored(&reply.data)));
                self.tally.succeed(Some(Timed::Ack), due.elapsed());
                Answer::of(client_id, &reply.data)
            }
            Err(error) => {
                if let Some(problem) = error.problem() {
                    tell(CallOutcome::Refused(problem));
                    self.tally.fail(problem.code.as_str());
                } else {
                    tell(CallOutcome::Lost);
                    self.tally.fail("disconnected");
                }
                Answer::none(client_id)
            }
        }
    }
}
