//! An export: read page by page, sent line by line. As much is in memory as two pages are, however much there is, and nothing is
//! read for somebody who does not take it.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use futures_util::stream;
use semel_core::{
    Rows, Stop,
    queries::{self, export::Seat},
};
use semel_protocol::{
    AuditId, PictureId, Problem, ReportId, Seq, ThreadId, UserId, export::ExportLine,
    limits::PAGE_ROWS_MAX, sign_in::Identity, user::Blocked,
};

use crate::{
    app::App,
    auth::Caller,
    convert,
    sign_in::sessions::{kind, shown},
};

/// What comes next.
enum Next {
    Person,
    Pictures(Option<PictureId>),
    Contacts(Option<UserId>),
    Blocks(Option<UserId>),
    Thread(Option<ThreadId>),
    Messages(ThreadId, Seq),
    Reports(Option<ReportId>),
    Deeds(Option<AuditId>),
    End,
}

struct Export {
    app: Arc<App>,
    caller: Caller,
    request_id: String,
    lines: u64,
}

/// The body of an answer. When the store fails under way, or the sign-in ends, the connection is cut: the last line is missing then.
pub(crate) fn body(app: Arc<App>, caller: Caller, request_id: String) -> Body {
    let export = Export {
        app,
        caller,
        request_id,
        lines: 0,
    };
    let pages = stream::try_unfold((export, Some(Next::Person)), async |(mut export, next)| {
        let Some(next) = next else {
            return Ok(None);
        };
        match export.page(next).await {
            Ok((bytes, next)) => Ok(Some((bytes, (export, next)))),
            Err(problem) => Err(std::io::Error::other(problem.code.as_str())),
        }
    });
    Body::from_stream(pages)
}

impl Export {
    async fn page(&mut self, next: Next) -> Result<(Bytes, Option<Next>), Problem> {
        let who = self.caller.user_id.clone();
        let (lines, next) = match next {
            Next::Person => (self.person().await?, Some(Next::Pictures(None))),
            Next::Pictures(after) => self.picture(after).await?,
            Next::Contacts(after) => {
                let ask =
                    move |rows: &Rows| queries::contacts(rows, &who, after.clone(), PAGE_ROWS_MAX);
                let page = self.ask(ask).await?;
                let last = page.last().map(|view| view.user_id.clone());
                let lines = page.iter().map(convert::contact).map(ExportLine::Contact);
                let next = last.map_or(Next::Blocks(None), |last| Next::Contacts(Some(last)));
                (lines.collect(), Some(next))
            }
            Next::Blocks(after) => {
                let ask =
                    move |rows: &Rows| queries::blocks(rows, &who, after.as_ref(), PAGE_ROWS_MAX);
                let page = self.ask(ask).await?;
                let last = page.last().map(|(id, ..)| id.clone());
                let lines = page.iter().map(|(id, row, since)| {
                    let (user, since) = (convert::user(id, row), *since);
                    ExportLine::Block(Blocked { user, since })
                });
                let next = last.map_or(Next::Thread(None), |last| Next::Blocks(Some(last)));
                (lines.collect(), Some(next))
            }
            Next::Thread(after) => {
                let ask = move |rows: &Rows| queries::export::seat_after(rows, &who, after);
                let seat: Option<Seat> = self.ask(ask).await?;
                let next = match &seat {
                    Some(seat) => Next::Messages(seat.thread.id, 0),
                    None => Next::Reports(None),
                };
                let lines = seat.iter().flat_map(|seat| {
                    let thread = ExportLine::Thread(convert::exported_thread(seat));
                    let invites = seat.invites.iter();
                    let invites = invites.map(|(id, row)| convert::own_invite(*id, row));
                    std::iter::once(thread).chain(invites.map(ExportLine::Invite))
                });
                (lines.collect(), Some(next))
            }
            Next::Messages(id, after) => {
                let ask =
                    move |rows: &Rows| queries::export::own(rows, &who, id, after, PAGE_ROWS_MAX);
                let (page, to) = self.ask(ask).await?;
                let lines = page.iter().map(|own| convert::own_line(id, own));
                let next = to.map_or(Next::Thread(Some(id)), |to| Next::Messages(id, to));
                (lines.collect(), Some(next))
            }
            Next::Reports(after) => {
                let ask =
                    move |rows: &Rows| queries::export::reports(rows, &who, after, PAGE_ROWS_MAX);
                let page = self.ask(ask).await?;
                let last = page.last().map(|(id, _)| *id);
                let lines = page.iter().map(|(id, row)| convert::own_report(*id, row));
                let next = last.map_or(Next::Deeds(None), |last| Next::Reports(Some(last)));
                (lines.map(ExportLine::Report).collect(), Some(next))
            }
            Next::Deeds(after) => self.deeds(after).await?,
            Next::End => {
                let lines = self.lines;
                (vec![ExportLine::End { lines }], None)
            }
        };
        Ok((self.written(&lines), next))
    }

    /// One at a time: they are large.
    async fn picture(
        &self,
        after: Option<PictureId>,
    ) -> Result<(Vec<ExportLine>, Option<Next>), Problem> {
        let who = self.caller.user_id.clone();
        let ask = move |rows: &Rows| queries::export::picture_after(rows, &who, after);
        Ok(match self.ask(ask).await? {
            Some((id, row, bytes)) => {
                let line = ExportLine::Picture(convert::own_picture(id, &row, &bytes));
                (vec![line], Some(Next::Pictures(Some(id))))
            }
            None => (Vec::new(), Some(Next::Contacts(None))),
        })
    }

    async fn deeds(
        &self,
        after: Option<AuditId>,
    ) -> Result<(Vec<ExportLine>, Option<Next>), Problem> {
        let who = self.caller.user_id.clone();
        let ask = move |rows: &Rows| queries::export::deeds(rows, &who, after, PAGE_ROWS_MAX);
        let page = self.ask(ask).await?;
        let last = page.last().map(|(id, _)| *id);
        let lines = page.iter().map(|(id, row)| convert::audit_line(*id, row));
        let next = last.map_or(Next::End, |last| Next::Deeds(Some(last)));
        Ok((lines.map(ExportLine::Deed).collect(), Some(next)))
    }

    /// What there is once.
    async fn person(&self) -> Result<Vec<ExportLine>, Problem> {
        let (who, current) = (self.caller.user_id.clone(), self.caller.session_id);
        let begin = ExportLine::Begin {
            user_id: who.clone(),
            at: self.app.clock.now(),
        };
        let found = self.ask(move |rows| {
            let mut lines = Vec::new();
            if let Some(row) = queries::user(rows, &who)? {
                lines.push(ExportLine::Profile(convert::user(&who, &row)));
            }
            for ((of, value), row) in queries::sign_in::identities(rows, &who)? {
                lines.push(ExportLine::Identity(Identity {
                    kind: kind(of),
                    value,
                    label: row.label,
                    is_verified: row.verified_at.is_some(),
                    created_at: row.created_at,
                }));
            }
            for (id, row) in queries::sign_in::sessions(rows, &who)? {
                lines.push(ExportLine::Session(shown(id, &row, current)));
            }
            let row = queries::findability(rows, &who)?;
            lines.push(ExportLine::Findability(convert::findability(row)));
            for (name, row) in queries::export::handles(rows, &who)? {
                lines.push(ExportLine::Handle(convert::own_handle(&name, &row)));
            }
            if let Some(since) = queries::export::operator_since(rows, &who)? {
                lines.push(ExportLine::Operator { since });
            }
            Ok(lines)
        });
        let mut lines = vec![begin];
        lines.extend(found.await?);
        Ok(lines)
    }

    /// Each page waits for the person's other questions, and others wait for none of it. None comes after the end of the sign-in.
    async fn ask<T: Send + 'static>(
        &self,
        mut question: impl FnMut(&Rows) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, Problem> {
        let (who, request_id) = (&self.caller.user_id, &self.request_id);
        let (whom, session_id) = (who.clone(), self.caller.session_id);
        let ask = move |rows: &Rows| {
            queries::export::goes_on(rows, &whom, session_id)?;
            question(rows)
        };
        self.app.ask(who, request_id, ask).await
    }

    fn written(&mut self, lines: &[ExportLine]) -> Bytes {
        self.lines += lines.len() as u64;
        let mut bytes = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut bytes, line).expect("wire types are plain JSON");
            bytes.push(b'\n');
        }
        bytes.into()
    }
}
