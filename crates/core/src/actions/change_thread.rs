//! Changes title, description, picture and settings of a group.

use semel_protocol::{
    ThreadId, UserId,
    thread::{Allowed, History, ThreadSettings},
};

use super::{Outcome, Scope, pictures};
use crate::{
    Key, Rows, Stop, access,
    log::{self, Words},
    row::{Fact, ThreadRow},
    title, validate, view,
};

/// Changes title, description, picture and settings of a group, all of it or nothing. Settings are for admins; who may
/// do the rest, they say. What is `None` stays as it is.
#[derive(Clone, Debug)]
pub struct ChangeThread {
    /// Where.
    pub thread_id: ThreadId,
    /// Empty: automatic again.
    pub title: Option<String>,
    /// Empty: none.
    pub description: Option<String>,
    /// Empty: none.
    pub picture: Option<String>,
    /// What is to be set otherwise.
    pub settings: NewSettings,
}

/// Settings that are to be other ones; what is `None` stays as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewSettings {
    /// What newcomers see.
    pub history: Option<History>,
    /// Who may write.
    pub posting: Option<Allowed>,
    /// Who may add people.
    pub adding: Option<Allowed>,
    /// Who may change title, description and picture.
    pub naming: Option<Allowed>,
}

impl NewSettings {
    fn is_empty(self) -> bool {
        let Self {
            history,
            posting,
            adding,
            naming,
        } = self;
        history.is_none() && posting.is_none() && adding.is_none() && naming.is_none()
    }

    /// The settings after the change.
    fn of(self, before: ThreadSettings) -> ThreadSettings {
        ThreadSettings {
            history: self.history.unwrap_or(before.history),
            posting: self.posting.unwrap_or(before.posting),
            adding: self.adding.unwrap_or(before.adding),
            naming: self.naming.unwrap_or(before.naming),
        }
    }
}

impl ChangeThread {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Thread(self.thread_id));
        keys.push(Key::Participant(self.thread_id, actor.clone()));
        keys.extend(pictures::key(self.picture.as_ref()));
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let id = self.thread_id;
        if let Some(title) = &self.title {
            validate::title("/title", title)?;
        }
        if let Some(description) = &self.description {
            validate::description("/description", description)?;
        }
        if let Some(picture) = &self.picture {
            validate::picture("/picture", picture, false)?;
        }
        self.check_access(scope, rows)?;
        if let Some(title) = &self.title {
            change_title(scope, rows, id, title)?;
        }
        self.change_settings(scope, rows)?;
        Ok(Outcome::Changed(Box::new(view::thread(
            rows,
            id,
            scope.actor,
        )?)))
    }

    fn check_access(&self, scope: &Scope<'_>, rows: &Rows) -> Result<(), Stop> {
        let names = [&self.title, &self.description, &self.picture];
        let has_names = names.into_iter().any(Option::is_some);
        if has_names {
            access::group_to_name(rows, scope.actor, self.thread_id)?;
        }
        if !has_names || !self.settings.is_empty() {
            access::group_as_admin(rows, scope.actor, self.thread_id)?;
        }
        Ok(())
    }

    fn change_settings(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<(), Stop> {
        let id = self.thread_id;
        let before = rows.thread(id)?.expect("checked").clone();
        let text = |new: &Option<String>, before: &Option<String>| match new {
            None => before.clone(),
            Some(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        };
        let after = ThreadRow {
            settings: self.settings.of(before.settings),
            description: text(&self.description, &before.description),
            picture: text(&self.picture, &before.picture),
            ..before.clone()
        };
        if after == before {
            return Ok(());
        }
        let (old, new) = (before.picture.as_deref(), after.picture.as_deref());
        pictures::change(scope, rows, old, new)?;
        let (description, picture) = (after.description.clone(), after.picture.clone());
        let fact = Fact::SettingsChanged(after.settings, description, picture);
        rows.threads.put(id, Some(after));
        log::append(scope, rows, id, fact, "")?;
        Ok(())
    }
}

fn change_title(
    scope: &Scope<'_>,
    rows: &mut Rows,
    id: ThreadId,
    chosen: &str,
) -> Result<(), Stop> {
    let thread = rows.thread(id)?.expect("checked").clone();
    let is_automatic = chosen.is_empty();
    let title = if is_automatic {
        title::automatic(rows, id)?
    } else {
        chosen.to_owned()
    };
    let is_same =
        thread.title.as_ref() == Some(&title) && thread.title_is_automatic == is_automatic;
    rows.threads.put(
        id,
        Some(ThreadRow {
            title: Some(title.clone()),
            title_is_automatic: is_automatic,
            ..thread
        }),
    );
    if is_same {
        return Ok(());
    }
    let actor = view::display_name(rows, scope.actor)?;
    let words = Words::system(format!("{actor} named the group “{title}”"));
    let fact = Fact::TitleChanged {
        title: Some(title),
        is_automatic,
    };
    log::append_message(scope, rows, id, fact, words)?;
    Ok(())
}
