//! The reference model, the part about people: who is found, let in, taken out.

use std::collections::BTreeSet;

use semel_core::{
    Context,
    actions::{
        ChangeRole, ChangeThread, CreateOrGet, Draft, Expand, NewSettings, RemoveParticipant,
        StartConversation,
    },
};
use semel_protocol::{
    Code, Seq, ThreadId, UserId,
    requests::OnConflict,
    thread::{Allowed, History, Role, ThreadSettings, ThreadType},
};

use super::model::{MSeat, MThread, Model, Tells, Told, Use, Wish};

impl Wish {
    pub(super) fn of(
        me: &UserId,
        named: &[UserId],
        kind: Option<ThreadType>,
        distinct: bool,
        title: Option<&String>,
    ) -> Tells<Self> {
        let people: BTreeSet<UserId> = named.iter().chain([me]).cloned().collect();
        let kind = kind.unwrap_or(match (people.len(), distinct) {
            (1, _) => ThreadType::SelfNote,
            (2, true) => ThreadType::Direct,
            _ => ThreadType::Group,
        });
        let fits = match kind {
            ThreadType::SelfNote => people.len() == 1 && distinct,
            ThreadType::Direct => people.len() == 2 && distinct,
            ThreadType::Group => people.len() >= 2,
        };
        let title = title.cloned().unwrap_or_default();
        if !fits {
            return Err(Code::InvalidRequest);
        }
        Ok(Self {
            people,
            kind,
            distinct,
            title,
        })
    }
}

fn draft(content: &str, client_id: Option<semel_protocol::ClientId>) -> Draft {
    Draft {
        client_id,
        content: content.to_owned(),
        kind: None,
        reply_to: None,
        attachment_count: 0,
    }
}

impl Model {
    /// The one thread that is not kept apart and has exactly these people.
    pub(super) fn find(&self, wish: &Wish) -> Option<ThreadId> {
        self.owner(wish.kind, &wish.people)
            .filter(|_| wish.distinct)
    }

    fn owner(&self, kind: ThreadType, people: &BTreeSet<UserId>) -> Option<ThreadId> {
        let matches = |thread: &MThread| {
            !thread.is_separate && thread.kind == kind && thread.active() == *people
        };
        let mut found = self.threads.iter().filter(|(_, thread)| matches(thread));
        let first = found.next().map(|(id, _)| *id);
        assert!(found.next().is_none(), "two threads of {people:?}");
        first.filter(|_| !people.is_empty())
    }

    pub(super) fn befriend(&mut self, new: &BTreeSet<UserId>, all: &BTreeSet<UserId>) {
        for (a, b) in new.iter().flat_map(|a| all.iter().map(move |b| (a, b))) {
            if a != b {
                self.contacts.insert((a.clone(), b.clone()));
                self.contacts.insert((b.clone(), a.clone()));
            }
        }
    }

    pub(super) fn create(
        &mut self,
        me: &UserId,
        action: &CreateOrGet,
        context: &Context<'_>,
    ) -> Tells {
        let (named, kind) = (&action.participants, action.thread_type);
        let wish = Wish::of(me, named, kind, action.distinct, action.title.as_ref())?;
        let name = action.client_id.map(|id| (id, me.clone()));
        match name.as_ref().and_then(|name| self.used.get(name)).cloned() {
            None => {}
            Some(Use::Made(id, before)) if before == wish => {
                self.thread_of(me, id)?;
                return Ok(Told::Thread(id, false));
            }
            Some(_) => return Err(Code::ClientIdReused),
        }
        let (id, created) = self.find_or_make(me, &wish, context)?;
        if let Some(name) = name {
            self.used.insert(name, Use::Made(id, wish));
        }
        Ok(Told::Thread(id, created))
    }

    pub(super) fn start(
        &mut self,
        me: &UserId,
        action: &StartConversation,
        context: &Context<'_>,
    ) -> Tells {
        if action.content.trim().is_empty() {
            return Err(Code::InvalidRequest);
        }
        let (named, kind) = (&action.participants, action.thread_type);
        let wish = Wish::of(me, named, kind, action.distinct, action.title.as_ref())?;
        let name = action.client_id.map(|id| (id, me.clone()));
        match name.and_then(|name| self.used.get(&name)).cloned() {
            None => {}
            Some(Use::Said(id, seq, words, None))
                if words == action.content && self.threads[&id].was_for(&wish) =>
            {
                self.thread_of(me, id).map_err(|_| Code::Forbidden)?;
                return Ok(Told::Conversation(id, seq, true, true));
            }
            Some(_) => return Err(Code::ClientIdReused),
        }
        let (id, created) = self.find_or_make(me, &wish, context)?;
        let (seq, twice) = self.say(me, id, &draft(&action.content, action.client_id), context)?;
        Ok(Told::Conversation(id, seq, twice, !created))
    }

    fn find_or_make(
        &mut self,
        me: &UserId,
        wish: &Wish,
        context: &Context<'_>,
    ) -> Tells<(ThreadId, bool)> {
        if !wish.people.is_subset(&self.people) {
            return Err(Code::UnknownUsers);
        }
        if let Some(id) = self.find(wish) {
            let thread = self.threads.get_mut(&id).expect("found");
            thread.seats.get_mut(me).expect("in").is_hidden = false;
            return Ok((id, false));
        }
        let is_group = wish.kind == ThreadType::Group;
        let seat = |who: &UserId| {
            let is_admin = is_group && who == me;
            let seat = MSeat {
                role: if is_admin {
                    Role::Admin
                } else {
                    Role::Participant
                },
                is_active: true,
                joined: 1,
                sees_revs: BTreeSet::new(),
                sees_seqs: BTreeSet::new(),
                read: 0,
                delivered: 0,
                is_hidden: false,
                is_removed: false,
            };
            (who.clone(), seat)
        };
        let mut thread = MThread {
            kind: wish.kind,
            title: is_group.then(|| wish.title.clone()),
            has_automatic_title: is_group && wish.title.is_empty(),
            description: None,
            picture: None,
            is_separate: !wish.distinct,
            settings: ThreadSettings::default(),
            seats: wish.people.iter().map(seat).collect(),
            messages: Vec::new(),
            last_rev: 0,
            updated: context.now.0,
        };
        thread.add_entry(context);
        thread.retitle();
        self.threads.insert(context.thread_id(), thread);
        if is_group {
            self.befriend(&wish.people, &wish.people);
        }
        Ok((context.thread_id(), true))
    }

    fn group_as_admin(&mut self, me: &UserId, id: ThreadId) -> Tells<&mut MThread> {
        self.group_where(me, id, |_| Allowed::Admins)
    }

    fn group_where(
        &mut self,
        me: &UserId,
        id: ThreadId,
        allowed: impl Fn(ThreadSettings) -> Allowed,
    ) -> Tells<&mut MThread> {
        let thread = self.thread_of(me, id)?;
        match thread.allows(me, allowed(thread.settings)) {
            _ if thread.kind != ThreadType::Group => Err(Code::WrongThreadType),
            true => Ok(thread),
            false => Err(Code::Forbidden),
        }
    }

    /// The set changes: another thread may have it.
    fn move_key(&mut self, id: ThreadId, people: &BTreeSet<UserId>, on: OnConflict) -> Tells<()> {
        let is_taken = self
            .owner(ThreadType::Group, people)
            .is_some_and(|owner| owner != id);
        let thread = self.threads.get_mut(&id).expect("there");
        if is_taken && !thread.is_separate {
            if on == OnConflict::Refuse {
                return Err(Code::ParticipantsKeyTaken);
            }
            thread.is_separate = true;
        }
        Ok(())
    }

    pub(super) fn expand(&mut self, me: &UserId, action: &Expand, context: &Context<'_>) -> Tells {
        let welcome = action.message_content.as_ref();
        let is_mute = welcome.is_some_and(|content| content.trim().is_empty());
        if action.new_participants.is_empty() || is_mute {
            return Err(Code::InvalidRequest);
        }
        let welcome = welcome.map(|content| draft(content, action.client_id));
        let thread = self.group_where(me, action.thread_id, |settings| settings.adding)?;
        let before = thread.active();
        let known = welcome.as_ref().filter(|draft| {
            let name = draft.client_id.map(|id| (id, me.clone()));
            name.is_some_and(|name| self.used.contains_key(&name))
        });
        if let Some(draft) = known {
            let said = self.say(me, action.thread_id, draft, context)?;
            let seats = &self.threads[&action.thread_id].seats;
            if action
                .new_participants
                .iter()
                .any(|who| !seats.contains_key(who))
            {
                return Err(Code::ClientIdReused);
            }
            return Ok(Told::Expanded(vec![], Some(said)));
        }
        let named: BTreeSet<UserId> = action.new_participants.iter().cloned().collect();
        let added: BTreeSet<UserId> = named.difference(&before).cloned().collect();
        if !added.is_subset(&self.people) {
            return Err(Code::UnknownUsers);
        }
        if added.is_empty() {
            return Ok(Told::Expanded(vec![], None));
        }
        let thread = &self.threads[&action.thread_id];
        let is_back = |who| thread.seats.get(who).is_some_and(|seat| seat.is_removed);
        let brings_back = added.iter().any(is_back) && !thread.allows(me, Allowed::Admins);
        if brings_back || welcome.is_some() && !thread.allows(me, thread.settings.posting) {
            return Err(Code::Forbidden);
        }
        let all: BTreeSet<UserId> = before.union(&added).cloned().collect();
        self.move_key(action.thread_id, &all, action.on_conflict)?;
        self.threads
            .get_mut(&action.thread_id)
            .expect("there")
            .admit(me, &added, context);
        self.befriend(&added, &all);
        let said = welcome.map(|draft| self.say(me, action.thread_id, &draft, context));
        Ok(Told::Expanded(
            added.into_iter().collect(),
            said.transpose()?,
        ))
    }

    pub(super) fn remove(
        &mut self,
        me: &UserId,
        action: &RemoveParticipant,
        context: &Context<'_>,
    ) -> Tells {
        let is_group = self.thread_of(me, action.thread_id)?.kind == ThreadType::Group;
        if is_group && action.user_id == *me {
            return Err(Code::InvalidRequest);
        }
        let thread = self.group_as_admin(me, action.thread_id)?;
        let is_in = thread
            .seats
            .get(&action.user_id)
            .ok_or(Code::NotFound)?
            .is_active;
        if is_in {
            self.go(
                me,
                &action.user_id,
                action.thread_id,
                action.on_conflict,
                context,
            )?;
        } else {
            let thread = self.threads.get_mut(&action.thread_id).expect("there");
            thread
                .seats
                .get_mut(&action.user_id)
                .expect("there")
                .is_removed = true;
        }
        Ok(Told::Done)
    }

    pub(super) fn leave(&mut self, me: &UserId, id: ThreadId, context: &Context<'_>) -> Tells {
        let thread = self.threads.get_mut(&id).ok_or(Code::NotFound)?;
        let seat = thread.seats.get_mut(me).ok_or(Code::NotFound)?;
        if thread.kind != ThreadType::Group {
            seat.is_hidden = true;
        } else if seat.is_active {
            self.go(me, me, id, OnConflict::KeepSeparate, context)?;
        }
        Ok(Told::Done)
    }

    fn go(
        &mut self,
        by: &UserId,
        who: &UserId,
        id: ThreadId,
        on: OnConflict,
        context: &Context<'_>,
    ) -> Tells<()> {
        let mut rest = self.threads[&id].active();
        rest.remove(who);
        self.move_key(id, &rest, on)?;
        let thread = self.threads.get_mut(&id).expect("there");
        thread.add_message(by, "", true, context);
        let seat = thread.seats.get_mut(who).expect("in");
        (seat.is_active, seat.role) = (false, Role::Participant);
        seat.is_removed = by != who;
        thread.retitle();
        let standing = thread.standing();
        let has_admin = standing
            .iter()
            .any(|who| thread.seats[who].role == Role::Admin);
        if let Some(heir) = standing.first().filter(|_| !has_admin) {
            thread.seats.get_mut(heir).expect("in").role = Role::Admin;
            thread.add_entry(context);
        }
        Ok(())
    }

    pub(super) fn role(
        &mut self,
        me: &UserId,
        action: &ChangeRole,
        context: &Context<'_>,
    ) -> Tells {
        let thread = self.group_as_admin(me, action.thread_id)?;
        let admins = thread
            .seats
            .values()
            .filter(|seat| seat.role == Role::Admin)
            .count();
        let seat = thread
            .seats
            .get_mut(&action.user_id)
            .filter(|seat| seat.is_active);
        let seat = seat.ok_or(Code::NotFound)?;
        let is_demoted = seat.role == Role::Admin && action.role != Role::Admin;
        if is_demoted && admins == 1 {
            return Err(Code::InvalidRequest);
        }
        if seat.role != action.role {
            seat.role = action.role;
            thread.add_entry(context);
        }
        Ok(Told::Done)
    }

    pub(super) fn change(
        &mut self,
        me: &UserId,
        action: &ChangeThread,
        context: &Context<'_>,
    ) -> Tells {
        let NewSettings {
            history,
            posting,
            adding,
            naming,
        } = action.settings;
        let names = [&action.title, &action.description, &action.picture];
        let has_names = names.into_iter().any(Option::is_some);
        let rights = [posting, adding, naming].into_iter();
        let has_settings = history.is_some() || rights.flatten().next().is_some();
        let thread = self.group_where(me, action.thread_id, |settings| {
            if has_settings || !has_names {
                Allowed::Admins
            } else {
                settings.naming
            }
        })?;
        if let Some(title) = &action.title {
            let before = (thread.title.clone(), thread.has_automatic_title);
            thread.has_automatic_title = title.is_empty();
            thread.title = Some(title.clone());
            thread.retitle();
            if (thread.title.clone(), thread.has_automatic_title) != before {
                thread.add_message(me, "", true, context);
            }
        }
        let before = thread.clone();
        let settings = &mut thread.settings;
        settings.history = history.unwrap_or(settings.history);
        settings.posting = posting.unwrap_or(settings.posting);
        settings.adding = adding.unwrap_or(settings.adding);
        settings.naming = naming.unwrap_or(settings.naming);
        if let Some(description) = &action.description {
            let description = Some(description.clone());
            thread.description = description.filter(|description| !description.is_empty());
        }
        if let Some(picture) = &action.picture {
            thread.picture = Some(picture.clone()).filter(|picture| !picture.is_empty());
        }
        let shown = |thread: &MThread| {
            let (description, picture) = (thread.description.clone(), thread.picture.clone());
            (thread.settings, description, picture)
        };
        if shown(&before) != shown(thread) {
            thread.add_entry(context);
        }
        Ok(Told::Done)
    }
}

impl MThread {
    /// Whether somebody who is in it is among those who are allowed something.
    pub(super) fn allows(&self, who: &UserId, allowed: Allowed) -> bool {
        allowed == Allowed::Everyone || self.seats[who].role == Role::Admin
    }

    fn admit(&mut self, by: &UserId, added: &BTreeSet<UserId>, context: &Context<'_>) {
        let (rev, seq) = (self.last_rev + 1, self.messages.len() as Seq + 1);
        for who in added {
            let before = self.seats.get(who);
            let (sees_revs, sees_seqs) = match (self.settings.history, before) {
                (History::All, _) => ((1..rev).collect(), (1..seq).collect()),
                (_, Some(seat)) => (seat.sees_revs.clone(), seat.sees_seqs.clone()),
                (_, None) => (BTreeSet::new(), BTreeSet::new()),
            };
            let seat = MSeat {
                role: Role::Participant,
                is_active: true,
                joined: rev,
                sees_revs,
                sees_seqs,
                read: seq,
                delivered: seq,
                is_hidden: false,
                is_removed: false,
            };
            self.seats.insert(who.clone(), seat);
        }
        self.add_message(by, "", true, context);
        self.retitle();
    }

    /// In the tests everybody is called by their id.
    fn retitle(&mut self) {
        if !self.has_automatic_title {
            return;
        }
        let names = self.standing();
        let names: Vec<&str> = names.iter().map(UserId::as_str).collect();
        let title = match names[..] {
            [] => String::new(),
            [a] => a.to_owned(),
            [a, b] => format!("{a} and {b}"),
            [a, b, c] => format!("{a}, {b} and {c}"),
            [a, b, c, _] => format!("{a}, {b}, {c} and 1 other"),
            [a, b, c, ..] => format!("{a}, {b}, {c} and {} others", names.len() - 3),
        };
        self.title = Some(title);
    }
}
