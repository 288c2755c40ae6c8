//! The reference model: what the rules promise, written for reading, with sets where the rules have arithmetic.

use std::collections::{BTreeMap, BTreeSet};

use semel_core::{
    Command, Context, Reply,
    actions::{Action, Draft, EditMessage, MarkPosition, Outcome, React},
    ports::Renderer,
};
use semel_protocol::{
    ClientId, Code, MessageId, Rev, Seq, ThreadId, UserId,
    thread::{Role, ThreadSettings, ThreadType},
};

use super::{renderer::Json, world::DAY_MS};

/// A person in a thread, now or before.
#[derive(Clone, Debug)]
pub(crate) struct MSeat {
    pub(crate) role: Role,
    pub(crate) is_active: bool,
    pub(crate) joined: Rev,
    pub(crate) sees_revs: BTreeSet<Rev>,
    pub(crate) sees_seqs: BTreeSet<Seq>,
    pub(crate) read: Seq,
    pub(crate) delivered: Seq,
    pub(crate) is_hidden: bool,
    pub(crate) is_removed: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MMessage {
    pub(crate) id: MessageId,
    pub(crate) sender: UserId,
    pub(crate) is_system: bool,
    pub(crate) content: String,
    pub(crate) is_deleted: bool,
    pub(crate) reactions: Vec<(String, Vec<UserId>)>,
    pub(crate) rev: Rev,
}

#[derive(Clone, Debug)]
pub(crate) struct MThread {
    pub(crate) kind: ThreadType,
    pub(crate) title: Option<String>,
    pub(crate) has_automatic_title: bool,
    pub(crate) description: Option<String>,
    pub(crate) picture: Option<String>,
    pub(crate) is_separate: bool,
    pub(crate) settings: ThreadSettings,
    pub(crate) seats: BTreeMap<UserId, MSeat>,
    pub(crate) messages: Vec<MMessage>,
    pub(crate) last_rev: Rev,
    pub(crate) updated: i64,
}

/// What a client id was used for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Use {
    Made(ThreadId, Wish),
    Said(ThreadId, Seq, String, Option<MessageId>),
}

/// A thread that somebody asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wish {
    pub(super) people: BTreeSet<UserId>,
    pub(super) kind: ThreadType,
    pub(super) distinct: bool,
    pub(super) title: String,
}

#[derive(Clone, Debug)]
struct Stored {
    fingerprint: [u8; 32],
    since: i64,
    body: Vec<u8>,
}

/// What the caller is told, without the details that the state shows anyway.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Replay(Vec<u8>),
    Thread(ThreadId, bool),
    Existing(Option<ThreadId>),
    Conversation(ThreadId, Seq, bool, bool),
    Expanded(Vec<UserId>, Option<(Seq, bool)>),
    Sent(Seq, bool),
    Batch(Vec<Result<(Seq, bool), Code>>),
    Message(Seq),
    Position(Seq, u64),
    Done,
}

impl Told {
    pub(crate) fn of(reply: &Reply) -> Result<Self, Code> {
        let Some(result) = &reply.result else {
            let answer = reply.answer.as_ref().expect("a replay has an answer");
            return Ok(Self::Replay(answer.body.clone()));
        };
        let outcome = result.as_ref().map_err(|refusal| refusal.code)?;
        Ok(match outcome {
            Outcome::Thread {
                thread, created, ..
            } => Self::Thread(thread.thread.id, *created),
            Outcome::Existing(view) => Self::Existing(view.as_ref().map(|view| view.thread.id)),
            Outcome::Conversation {
                thread,
                sent,
                is_existing_thread,
            } => {
                let (id, seq) = (thread.thread.id, sent.message.seq);
                Self::Conversation(id, seq, sent.duplicate, *is_existing_thread)
            }
            Outcome::Expanded { added, sent, .. } => {
                let added = added.iter().map(|person| person.user_id.clone()).collect();
                Self::Expanded(
                    added,
                    sent.as_ref().map(|sent| (sent.message.seq, sent.duplicate)),
                )
            }
            Outcome::Sent(sent) => Self::Sent(sent.message.seq, sent.duplicate),
            Outcome::SentBatch(items) => {
                let item = |item: &Result<semel_core::actions::Sent, semel_core::Refusal>| {
                    let sent = item.as_ref().map_err(|refusal| refusal.code)?;
                    Ok((sent.message.seq, sent.duplicate))
                };
                Self::Batch(items.iter().map(item).collect())
            }
            Outcome::Message(row) => Self::Message(row.seq),
            Outcome::Position {
                read_seq,
                unread_count,
                ..
            } => Self::Position(*read_seq, *unread_count),
            _ => Self::Done,
        })
    }
}

/// Everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) people: BTreeSet<UserId>,
    pub(crate) threads: BTreeMap<ThreadId, MThread>,
    pub(super) used: BTreeMap<(ClientId, UserId), Use>,
    pub(crate) contacts: BTreeSet<(UserId, UserId)>,
    stored: BTreeMap<(UserId, String), Stored>,
}

pub(super) type Tells<T = Told> = Result<T, Code>;

impl Model {
    /// What a command should tell, and the state after it. The bytes of an answer are what they first were.
    pub(crate) fn apply(
        &mut self,
        command: &Command,
        context: &Context<'_>,
        reply: &Reply,
    ) -> Tells {
        let key = command.idempotency.as_ref().map(|key| {
            let name = (command.actor.clone(), key.key.clone());
            (name, key.fingerprint)
        });
        let stored = key.as_ref().and_then(|(name, _)| self.stored.get(name));
        if let Some(stored) = stored.filter(|stored| context.now.0 - stored.since < DAY_MS) {
            let is_same = key.is_some_and(|(_, fingerprint)| fingerprint == stored.fingerprint);
            return if is_same {
                Ok(Told::Replay(stored.body.clone()))
            } else {
                Err(Code::IdempotencyKeyReused)
            };
        }
        let before = self.clone();
        let told = self.act(&command.actor, &command.action, context);
        if told.is_err() {
            *self = before;
        }
        if let (Action::DeleteMessage(_), Some(Ok(Outcome::Message(row)))) =
            (&command.action, &reply.result)
        {
            for stored in self.stored.values_mut() {
                stored.body = Json.redact(&stored.body, row);
            }
        }
        if let Some((name, fingerprint)) = key {
            let body = reply
                .answer
                .as_ref()
                .expect("a key has an answer")
                .body
                .clone();
            let since = context.now.0;
            let stored = Stored {
                fingerprint,
                since,
                body,
            };
            self.stored.insert(name, stored);
        }
        told
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each action")]
    fn act(&mut self, me: &UserId, action: &Action, context: &Context<'_>) -> Tells {
        match action {
            Action::CreateOrGet(action) => self.create(me, action, context),
            Action::StartConversation(action) => self.start(me, action, context),
            Action::CheckExisting(action) => {
                let wish = Wish::of(me, &action.participants, action.thread_type, true, None)?;
                Ok(Told::Existing(self.find(&wish)))
            }
            Action::Send(action) => {
                let (seq, twice) = self.say_valid(me, action.thread_id, &action.draft, context)?;
                Ok(Told::Sent(seq, twice))
            }
            Action::SendBatch(action) => {
                self.thread_of(me, action.thread_id)?;
                let drafts = action.drafts.iter();
                let said = drafts.map(|draft| self.say_valid(me, action.thread_id, draft, context));
                Ok(Told::Batch(said.collect()))
            }
            Action::EditMessage(action) => self.edit(me, action, context),
            Action::DeleteMessage(action) => {
                self.delete(me, action.thread_id, action.message_id, context)
            }
            Action::React(action) => self.react(me, action, context),
            Action::MarkPosition(action) => self.mark(me, action),
            Action::Expand(action) => self.expand(me, action, context),
            Action::RemoveParticipant(action) => self.remove(me, action, context),
            Action::Leave(action) => self.leave(me, action.thread_id, context),
            Action::ChangeRole(action) => self.role(me, action, context),
            Action::ChangeThread(action) => self.change(me, action, context),
            Action::UpsertUser(action) => {
                self.people.insert(action.user_id.clone());
                Ok(Told::Done)
            }
            Action::ChangeFindability(_) | Action::ChangeHandle(_) | Action::FindPerson(_) => {
                unreachable!("finding people has tests of its own")
            }
            Action::RemoveMessage(_)
            | Action::SetStanding(_)
            | Action::ExpelParticipant(_)
            | Action::SetOperator(_)
            | Action::ByGrant(_)
            | Action::Report(_)
            | Action::ResolveReport(_)
            | Action::BeginErasure(_)
            | Action::EraseStep(_)
            | Action::TellStep(_)
            | Action::StartExport(_)
            | Action::CreateInvite(_)
            | Action::RevokeInvite(_)
            | Action::LookAtInvite(_)
            | Action::LookAtPerson(_)
            | Action::CountUpload(_)
            | Action::JoinByInvite(_)
            | Action::AddPicture(_) => {
                unreachable!("operators, links and pictures have tests of their own")
            }
            Action::SetBlock(_) | Action::SetPreferences(_) | Action::NameContact(_) => {
                unreachable!("people's own matters have tests of their own")
            }
            Action::AddSigningKey(_)
            | Action::ClaimChallenge(_)
            | Action::ClaimOperator(_)
            | Action::LeaseEffects(_)
            | Action::PruneSignIn(_)
            | Action::RevokeSessions(_)
            | Action::RotateSession(_)
            | Action::SettleEffect(_)
            | Action::StartChallenge(_)
            | Action::UnlinkIdentity(_)
            | Action::VerifyCode(_)
            | Action::VerifyProvider(_) => {
                unreachable!("signing in has tests of its own")
            }
            Action::PruneAnswers(action) => {
                self.stored
                    .retain(|_, stored| stored.since >= action.before.0);
                Ok(Told::Done)
            }
        }
    }

    /// A thread that I am in.
    pub(super) fn thread_of(&mut self, me: &UserId, id: ThreadId) -> Tells<&mut MThread> {
        let thread = self.threads.get_mut(&id).ok_or(Code::NotFound)?;
        let is_in = thread.seats.get(me).is_some_and(|seat| seat.is_active);
        if is_in {
            Ok(thread)
        } else {
            Err(Code::NotFound)
        }
    }

    fn say_valid(
        &mut self,
        me: &UserId,
        id: ThreadId,
        draft: &Draft,
        context: &Context<'_>,
    ) -> Tells<(Seq, bool)> {
        if draft.content.trim().is_empty() {
            return Err(Code::InvalidRequest);
        }
        self.say(me, id, draft, context)
    }

    pub(super) fn say(
        &mut self,
        me: &UserId,
        id: ThreadId,
        draft: &Draft,
        context: &Context<'_>,
    ) -> Tells<(Seq, bool)> {
        let name = draft.client_id.map(|client_id| (client_id, me.clone()));
        match name.as_ref().and_then(|name| self.used.get(name)) {
            None => {}
            Some(Use::Said(at, seq, words, reply_to))
                if *at == id && *words == draft.content && *reply_to == draft.reply_to =>
            {
                return Ok((*seq, true));
            }
            Some(_) => return Err(Code::ClientIdReused),
        }
        let thread = self.thread_of(me, id)?;
        if !thread.allows(me, thread.settings.posting) {
            return Err(Code::Forbidden);
        }
        if draft
            .reply_to
            .is_some_and(|to| thread.visible(me, to).is_none())
        {
            return Err(Code::InvalidRequest);
        }
        let seq = thread.add_message(me, &draft.content, false, context);
        let seat = thread.seats.get_mut(me).expect("in");
        (seat.read, seat.delivered) = (seq, seq);
        if thread.kind == ThreadType::Direct {
            let both = thread.active();
            self.befriend(&both, &both);
        }
        if let Some(name) = name {
            let said = Use::Said(id, seq, draft.content.clone(), draft.reply_to);
            self.used.insert(name, said);
        }
        Ok((seq, false))
    }

    fn edit(&mut self, me: &UserId, action: &EditMessage, context: &Context<'_>) -> Tells {
        if action.content.trim().is_empty() {
            return Err(Code::InvalidRequest);
        }
        let thread = self.thread_of(me, action.thread_id)?;
        if !thread.allows(me, thread.settings.posting) {
            return Err(Code::Forbidden);
        }
        let seq = thread
            .visible(me, action.message_id)
            .ok_or(Code::NotFound)?;
        let message = thread.message(seq);
        if message.is_system || message.sender != *me {
            return Err(Code::Forbidden);
        }
        if message.is_deleted {
            return Err(Code::MessageDeleted);
        }
        if message.content != action.content {
            let rev = thread.add_entry(context);
            let message = thread.message(seq);
            (message.content, message.rev) = (action.content.clone(), rev);
        }
        Ok(Told::Message(seq))
    }

    fn delete(
        &mut self,
        me: &UserId,
        id: ThreadId,
        message: MessageId,
        context: &Context<'_>,
    ) -> Tells {
        let thread = self.thread_of(me, id)?;
        let is_admin = thread.seats[me].role == Role::Admin;
        let seq = thread.visible(me, message).ok_or(Code::NotFound)?;
        let message = thread.message(seq);
        if message.is_system || !(message.sender == *me || is_admin) {
            return Err(Code::Forbidden);
        }
        if !message.is_deleted {
            let rev = thread.add_entry(context);
            let message = thread.message(seq);
            message.content.clear();
            message.reactions.clear();
            (message.is_deleted, message.rev) = (true, rev);
        }
        Ok(Told::Message(seq))
    }

    fn react(&mut self, me: &UserId, action: &React, context: &Context<'_>) -> Tells {
        let thread = self.thread_of(me, action.thread_id)?;
        let seq = thread
            .visible(me, action.message_id)
            .ok_or(Code::NotFound)?;
        let message = thread.message(seq);
        if message.is_deleted {
            return Err(Code::MessageDeleted);
        }
        let mut reactions = message.reactions.clone();
        let at = reactions
            .iter()
            .position(|(emoji, _)| *emoji == action.emoji);
        match (at, action.is_added) {
            (Some(at), true) if !reactions[at].1.contains(me) => reactions[at].1.push(me.clone()),
            (None, true) => reactions.push((action.emoji.clone(), vec![me.clone()])),
            (Some(at), false) => reactions[at].1.retain(|who| who != me),
            _ => {}
        }
        reactions.retain(|(_, people)| !people.is_empty());
        if reactions != message.reactions {
            let rev = thread.add_entry(context);
            let message = thread.message(seq);
            (message.reactions, message.rev) = (reactions, rev);
        }
        Ok(Told::Message(seq))
    }

    fn mark(&mut self, me: &UserId, action: &MarkPosition) -> Tells {
        let thread = self.thread_of(me, action.thread_id)?;
        let last = thread.messages.len() as Seq;
        let seat = thread.seats.get_mut(me).expect("in");
        seat.read = seat.read.max(action.read_seq.unwrap_or(0).min(last));
        let delivered = action.delivered_seq.unwrap_or(0).min(last);
        seat.delivered = seat.delivered.max(delivered).max(seat.read);
        let read = seat.read;
        Ok(Told::Position(read, thread.unread(me)))
    }
}

impl MThread {
    pub(super) fn message(&mut self, seq: Seq) -> &mut MMessage {
        &mut self.messages[seq as usize - 1]
    }

    /// Whether somebody may once have wished for it.
    pub(super) fn was_for(&self, wish: &Wish) -> bool {
        let were_in = wish.people.iter().all(|who| self.seats.contains_key(who));
        self.kind == wish.kind && were_in
    }

    /// The place of a message that I may see.
    fn visible(&self, me: &UserId, id: MessageId) -> Option<Seq> {
        let at = self.messages.iter().position(|message| message.id == id)?;
        let seq = at as Seq + 1;
        self.seats[me].sees_seqs.contains(&seq).then_some(seq)
    }

    pub(super) fn add_entry(&mut self, context: &Context<'_>) -> Rev {
        self.last_rev += 1;
        self.updated = self.updated.max(context.now.0);
        for seat in self.seats.values_mut().filter(|seat| seat.is_active) {
            seat.sees_revs.insert(self.last_rev);
        }
        self.last_rev
    }

    pub(super) fn add_message(
        &mut self,
        sender: &UserId,
        words: &str,
        is_system: bool,
        context: &Context<'_>,
    ) -> Seq {
        let rev = self.add_entry(context);
        let seq = self.messages.len() as Seq + 1;
        self.messages.push(MMessage {
            id: context.message_id(seq),
            sender: sender.clone(),
            is_system,
            content: words.to_owned(),
            is_deleted: false,
            reactions: Vec::new(),
            rev,
        });
        for seat in self.seats.values_mut() {
            seat.is_hidden = false;
            if seat.is_active {
                seat.sees_seqs.insert(seq);
            }
        }
        seq
    }

    /// What I have not read: counted one by one.
    pub(crate) fn unread(&self, me: &UserId) -> u64 {
        let read = self.seats[me].read as usize;
        let unread = self.messages.iter().skip(read);
        unread.filter(|message| !message.is_system).count() as u64
    }

    pub(crate) fn active(&self) -> BTreeSet<UserId> {
        let active = self.seats.iter().filter(|(_, seat)| seat.is_active);
        active.map(|(who, _)| who.clone()).collect()
    }

    /// Who is in, longest-standing first.
    pub(crate) fn standing(&self) -> Vec<UserId> {
        let mut people: Vec<UserId> = self.active().into_iter().collect();
        people.sort_by_key(|who| (self.seats[who].joined, who.clone()));
        people
    }
}
