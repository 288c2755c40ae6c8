//! HTTP reads that are written down.

use semel_check::{Action, TIMED_OUT};
use semel_client::{ApiError, Reply};
use semel_protocol::{Entry, Rev, Seq, ThreadId, entry::EntryPage, limits, message::MessagePage};
use tokio::time::timeout;

use super::{CallError, LOST, OpenCall, RecordedApi};

impl RecordedApi {
    /// Reads at most `limit` messages after a place.
    pub async fn messages_after(
        &self,
        thread: ThreadId,
        after: Seq,
        limit: usize,
    ) -> Result<MessagePage, CallError> {
        let open = self.calls.begin_read(Action::ReadMessages, thread, false);
        let call = self.api.messages_after(thread, after, limit);
        let page = self.answered(open, call).await;
        page.map(|(page, open)| record_page(page, open))
    }

    /// Reads the newest messages.
    pub async fn newest_messages(&self, thread: ThreadId) -> Result<MessagePage, CallError> {
        let open = self.calls.begin_read(Action::ReadMessages, thread, true);
        let call = self.api.newest_messages(thread);
        let page = self.answered(open, call).await;
        page.map(|(page, open)| record_page(page, open))
    }

    /// Reads every entry after a rev up to the head, in as many pages as it takes. None when the place is too old.
    pub async fn entries_after(
        &self,
        thread: ThreadId,
        after: Rev,
    ) -> Result<Option<Vec<Entry>>, CallError> {
        let mut open = self.calls.begin_read(Action::ReadEntries, thread, true);
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let after = entries.last().map_or(after, |entry| entry.rev);
            let call = self.api.entries(thread, after, limits::PAGE_ENTRIES_MAX);
            let (page, still_open): (EntryPage, _) = self.answered(open, call).await?;
            open = still_open;
            if page.too_old {
                open.unknown(0);
                return Ok(None);
            }
            let is_last = !page.more || page.entries.is_empty();
            let head_rev = page.head_rev;
            entries.extend(page.entries);
            if is_last {
                open.read_entries(&entries, head_rev);
                return Ok(Some(entries));
            }
        }
    }

    /// Waits for the answer to a read; what is no success ends the call.
    async fn answered<T>(
        &self,
        open: OpenCall,
        call: impl Future<Output = Result<Reply<T>, ApiError>>,
    ) -> Result<(T, OpenCall), CallError> {
        match timeout(self.limit, call).await {
            Ok(Ok(reply)) => Ok((reply.data, open)),
            Ok(Err(ApiError::Refused(problem))) => {
                open.refused(&problem, 0);
                Err(CallError::Refused(problem))
            }
            Ok(Err(_)) => {
                open.unknown(LOST);
                Err(CallError::Unknown)
            }
            Err(_) => {
                open.unknown(TIMED_OUT);
                Err(CallError::Unknown)
            }
        }
    }
}

fn record_page(page: MessagePage, open: OpenCall) -> MessagePage {
    open.read_messages(&page.messages, page.epoch, page.from_seq, page.to_seq);
    page
}
