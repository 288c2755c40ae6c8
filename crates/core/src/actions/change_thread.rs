//! Changes title, picture and settings of a group.

use semel_protocol::{
    ThreadId, UserId,
    thread::{History, Posting, ThreadSettings},
};

use super::{Outcome, Scope};
use crate::{
    Key, Rows, Stop, access,
    log::{self, Words},
    row::{Fact, ThreadRow},
    title, validate, view,
};

/// Changes title, picture and settings of a group. Admins only; what is `None` stays as it is.
#[derive(Clone, Debug)]
pub struct ChangeThread {
    /// Where.
    pub thread_id: ThreadId,
    /// Empty: automatic again.
    pub title: Option<String>,
    /// Empty: none.
    pub picture: Option<String>,
    /// What newcomers see.
    pub history: Option<History>,
    /// Who may write.
    pub posting: Option<Posting>,
}

impl ChangeThread {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Thread(self.thread_id));
        keys.push(Key::Participant(self.thread_id, actor.clone()));
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let id = self.thread_id;
        if let Some(title) = &self.title {
            validate::title("/title", title)?;
        }
        if let Some(picture) = &self.picture {
            validate::picture("/picture", picture)?;
        }
        access::group_as_admin(rows, scope.actor, id)?;
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

    fn change_settings(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<(), Stop> {
        let id = self.thread_id;
        let thread = rows.thread(id)?.expect("checked").clone();
        let settings = ThreadSettings {
            history: self.history.unwrap_or(thread.settings.history),
            posting: self.posting.unwrap_or(thread.settings.posting),
        };
        let picture = match &self.picture {
            None => thread.picture.clone(),
            Some(picture) => Some(picture.clone()).filter(|picture| !picture.is_empty()),
        };
        if settings == thread.settings && picture == thread.picture {
            return Ok(());
        }
        rows.threads.put(
            id,
            Some(ThreadRow {
                settings,
                picture: picture.clone(),
                ..thread
            }),
        );
        log::append(
            scope,
            rows,
            id,
            Fact::SettingsChanged(settings, picture),
            "",
        )?;
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
    let title_is_automatic = chosen.is_empty();
    let title = if title_is_automatic {
        title::automatic(rows, id)?
    } else {
        chosen.to_owned()
    };
    let is_same = thread.title.as_ref() == Some(&title);
    rows.threads.put(
        id,
        Some(ThreadRow {
            title: Some(title.clone()),
            title_is_automatic,
            ..thread
        }),
    );
    if is_same {
        return Ok(());
    }
    let actor = view::display_name(rows, scope.actor)?;
    let words = Words::system(format!("{actor} named the group “{title}”"));
    log::append_message(scope, rows, id, Fact::TitleChanged(Some(title)), words)?;
    Ok(())
}
