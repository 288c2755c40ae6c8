//! Playing a script: everybody speaks when it is their turn, several at a time.

use std::{collections::HashMap, sync::Arc, time::Duration};

use semel_client::{Address, ApiError};
use semel_core::ports::{Clock, Entropy};
use semel_protocol::{
    ThreadId, Timestamp, limits,
    requests::{ChangeThread, CreateOrGet, Expand, OnConflict, SettingsChange},
    thread::{History, ThreadType},
    user::ProfileChange,
};
use semel_server::auth::{Caller, Scope, Tokens};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinHandle,
    time::{Interval, interval},
};

use super::{
    person::Person,
    script::{Fault, Persona, Script, Step, Who},
    speak::{Place, Speaker, Words},
    tally::{Tally, count},
};
use crate::commands::Failure;

/// Lines that are being said at the same time.
const LINES_AT_ONCE: usize = 32;
/// How long a demo's tokens are valid, in milliseconds.
const TOKEN_MILLIS: i64 = 24 * 60 * 60 * 1_000;

/// The world of a demo.
pub(super) struct Stage {
    pub(super) address: Address,
    pub(super) tokens: Tokens,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) tally: Arc<Tally>,
}

/// What is left when the script is played.
pub(super) struct Played {
    pub(super) channel: ThreadId,
    pub(super) people: HashMap<Who, Arc<Person>>,
    pub(super) admin: Arc<Person>,
}

/// Something for one person to do, in their own order.
enum Turn {
    Say {
        to: Option<Place>,
        text: String,
        fault: Fault,
        permit: OwnedSemaphorePermit,
    },
    Rename(String),
}

struct Player<'a> {
    stage: &'a Stage,
    script: &'a Script,
    channel: ThreadId,
    people: HashMap<Who, Arc<Person>>,
    turns: HashMap<Who, mpsc::UnboundedSender<Turn>>,
    tasks: Vec<JoinHandle<()>>,
    places: Arc<Semaphore>,
}

/// Plays a script to its end. `said` is called for every line that was stored.
pub(super) async fn play(
    stage: &Stage,
    script: &Script,
    lines_per_second: Option<u32>,
    said: impl Fn() + Clone + Send + Sync + 'static,
) -> Result<Played, Failure> {
    let [first, ..] = script.founders[..] else {
        return Err(Failure::new("nobody speaks in this log"));
    };
    let people = connect(stage, &script.people, &script.founders);
    for who in &script.founders {
        greet(&people[who], &script.people[*who]).await?;
    }
    let admin = Arc::clone(&people[&first]);
    let channel = found(stage, script, &admin).await?;
    let mut player = Player {
        stage,
        script,
        channel,
        people,
        turns: HashMap::new(),
        tasks: Vec::new(),
        places: Arc::new(Semaphore::new(LINES_AT_ONCE)),
    };
    let mut beat = lines_per_second.map(|rate| interval(Duration::from_secs(1) / rate.max(1)));
    for step in &script.steps {
        tick(beat.as_mut()).await;
        player.take(step, &admin, said.clone()).await?;
    }
    // Whoever has no more turns says again what is still to be said again, and ends.
    player.turns.clear();
    for task in player.tasks {
        if task.await.is_err() {
            stage
                .tally
                .complain("somebody's part of the demo broke off".to_owned());
        }
    }
    Ok(Played {
        channel,
        people: player.people,
        admin,
    })
}

async fn tick(beat: Option<&mut Interval>) {
    if let Some(beat) = beat {
        beat.tick().await;
    }
}

impl Player<'_> {
    async fn take(
        &mut self,
        step: &Step,
        admin: &Person,
        said: impl Fn() + Clone + Send + Sync + 'static,
    ) -> Result<(), Failure> {
        match step {
            Step::Join { who, fault } => self.let_in(*who, *fault, admin).await,
            Step::Rename { who, name } => {
                self.hand_over(*who, Turn::Rename(name.clone()), said);
                Ok(())
            }
            Step::Say {
                who,
                to,
                text,
                fault,
            } => {
                let permit = Arc::clone(&self.places).acquire_owned().await;
                let permit = permit.expect("the demo never closes its places");
                let to = to.map(|to| Place::Alone(self.script.people[to].user_id.clone()));
                let turn = Turn::Say {
                    to,
                    text: text.clone(),
                    fault: *fault,
                    permit,
                };
                self.hand_over(*who, turn, said);
                Ok(())
            }
        }
    }

    fn hand_over(&mut self, who: Who, turn: Turn, said: impl Fn() + Send + Sync + 'static) {
        let turns = self.turns.entry(who).or_insert_with(|| {
            let (turns, waiting) = mpsc::unbounded_channel();
            let speaker = Speaker {
                who,
                person: Arc::clone(&self.people[&who]),
                tally: Arc::clone(&self.stage.tally),
                clock: Arc::clone(&self.stage.clock),
            };
            self.tasks
                .push(tokio::spawn(act(speaker, self.channel, waiting, said)));
            turns
        });
        // An actor that broke off is complained of at the end.
        let _ = turns.send(turn);
    }

    async fn let_in(&mut self, who: Who, fault: Fault, admin: &Person) -> Result<(), Failure> {
        let newcomers = connect(self.stage, &self.script.people, &[who]);
        let person = &newcomers[&who];
        greet(person, &self.script.people[who]).await?;
        let key = person.next_id(self.stage.clock.as_ref()).to_string();
        let body = Expand {
            new_participants: vec![person.user_id.clone()],
            message_content: None,
            client_id: None,
            on_conflict: OnConflict::Refuse,
        };
        let times = if fault == Fault::None { 1 } else { 2 };
        for _ in 0..times {
            count(&self.stage.tally.http_attempts);
            let reply = admin.api.expand(self.channel, &body, Some(&key)).await;
            if reply.map_err(failed("cannot let somebody in"))?.is_replay {
                count(&self.stage.tally.absorbed_by_key);
            }
        }
        self.people.extend(newcomers);
        Ok(())
    }
}

/// One person's part.
async fn act(
    speaker: Speaker,
    channel: ThreadId,
    mut turns: mpsc::UnboundedReceiver<Turn>,
    said: impl Fn(),
) {
    let mut again: Vec<Words> = Vec::new();
    while let Some(turn) = turns.recv().await {
        match turn {
            Turn::Say {
                to,
                text,
                fault,
                permit,
            } => {
                let earlier = std::mem::take(&mut again);
                again.extend(
                    speaker
                        .say(Place::Channel(channel), text.clone(), fault)
                        .await,
                );
                if let Some(alone) = to {
                    again.extend(speaker.say(alone, text, fault).await);
                }
                repeat(&speaker, &earlier).await;
                said();
                drop(permit);
            }
            Turn::Rename(name) => rename(&speaker, name).await,
        }
    }
    repeat(&speaker, &again).await;
}

async fn repeat(speaker: &Speaker, all: &[Words]) {
    for words in all {
        speaker.repeat(words).await;
    }
}

async fn rename(speaker: &Speaker, name: String) {
    let change = ProfileChange {
        display_name: Some(name),
        ..ProfileChange::default()
    };
    count(&speaker.tally.http_attempts);
    if let Err(error) = speaker.person.api.change_profile(&change).await {
        speaker
            .tally
            .complain(format!("{}: no new name: {error}", speaker.person.user_id));
    }
}

fn connect(stage: &Stage, people: &[Persona], who: &[Who]) -> HashMap<Who, Arc<Person>> {
    let start = |who: &Who| {
        let persona = &people[*who];
        let caller = Caller {
            user_id: persona.user_id.clone(),
            name: Some(persona.name.clone()),
            scope: Scope::Person,
            expires_at: Timestamp(stage.clock.now().0 + TOKEN_MILLIS),
            session_id: None,
            is_verified: false,
        };
        let token = stage.tokens.sign(&caller);
        let seed = stage.entropy.seed();
        (
            *who,
            Person::start(&stage.address, &token, persona.user_id.clone(), seed),
        )
    };
    who.iter().map(start).collect()
}

/// The person's first use of the server makes them known to it.
async fn greet(person: &Person, persona: &Persona) -> Result<(), Failure> {
    let name = Some(persona.name.clone());
    let change = ProfileChange {
        display_name: name,
        ..ProfileChange::default()
    };
    let greeted = person.api.change_profile(&change).await;
    greeted
        .map(drop)
        .map_err(failed("cannot bring somebody in"))
}

/// Makes the channel, with everybody who is there from the beginning.
async fn found(stage: &Stage, script: &Script, admin: &Person) -> Result<ThreadId, Failure> {
    let founders = script.founders.iter().map(|who| &script.people[*who]);
    let mut ids: Vec<_> = founders.map(|persona| persona.user_id.clone()).collect();
    let rest = ids.split_off(ids.len().min(limits::PARTICIPANTS_PER_CALL_MAX));
    // A group of its own: the same people may have another, from a demo before.
    let body = CreateOrGet {
        participants: ids,
        thread_type: Some(ThreadType::Group),
        title: Some("#ubuntu".to_owned()),
        distinct: Some(false),
        client_id: Some(admin.next_id(stage.clock.as_ref())),
    };
    let made = admin
        .api
        .create_or_get(&body)
        .await
        .map_err(failed("cannot make the channel"))?;
    let channel = made.data.thread.id;
    let settings = SettingsChange {
        history: Some(History::All),
        ..SettingsChange::default()
    };
    let change = ChangeThread {
        settings: Some(settings),
        ..ChangeThread::default()
    };
    let changed = admin.api.change_thread(channel, &change).await;
    changed.map_err(failed("cannot open the channel's history"))?;
    for some in rest.chunks(limits::PARTICIPANTS_PER_CALL_MAX) {
        let body = Expand {
            new_participants: some.to_vec(),
            message_content: None,
            client_id: None,
            on_conflict: OnConflict::Refuse,
        };
        let expanded = admin.api.expand(channel, &body, None).await;
        expanded.map_err(failed("cannot fill the channel"))?;
    }
    Ok(channel)
}

fn failed(what: &str) -> impl FnOnce(ApiError) -> Failure {
    move |error| Failure::because(what, &error)
}
