//! Every limit, by name, with its unit. PROTOCOL.md has the same table; a test compares them.

/// Characters of a user id.
pub const USER_ID_CHARACTERS_MAX: usize = 64;
/// Characters of a device id.
pub const DEVICE_ID_CHARACTERS_MAX: usize = 64;
/// Characters (Unicode scalar values) of a message's content.
pub const CONTENT_CHARACTERS_MAX: usize = 16_000;
/// Bytes (UTF-8) of a message's content.
pub const CONTENT_BYTES_MAX: usize = 64 * 1024;
/// Characters of a thread's title.
pub const TITLE_CHARACTERS_MAX: usize = 200;
/// Characters of a picture's address.
pub const PICTURE_CHARACTERS_MAX: usize = 2_000;
/// Characters of a person's name.
pub const NAME_CHARACTERS_MAX: usize = 100;
/// Characters of what a person says about themselves.
pub const ABOUT_CHARACTERS_MAX: usize = 500;
/// People named in one call.
pub const PARTICIPANTS_PER_CALL_MAX: usize = 1_000;
/// Participants up to which a group owns a participants key.
pub const KEYED_PARTICIPANTS_MAX: usize = 1_000;
/// Participants that a `Thread` carries; the rest is paged.
pub const THREAD_PARTICIPANTS_SHOWN_MAX: usize = 100;
/// Participants up to which sharing a group makes contacts.
pub const CONTACTS_FROM_GROUP_MAX: usize = 50;
/// Participants up to which `delivered` is told, and `read` to others.
pub const RECEIPTS_PARTICIPANTS_MAX: usize = 100;
/// Participants above which entries are pushed only to devices that have the thread open.
pub const PUSH_TO_ALL_PARTICIPANTS_MAX: usize = 1_000;
/// Messages of one page.
pub const PAGE_MESSAGES_MAX: usize = 200;
/// Entries of one page.
pub const PAGE_ENTRIES_MAX: usize = 500;
/// Threads, contacts or participants of one page.
pub const PAGE_ROWS_MAX: usize = 200;
/// Rows of a page when the caller does not say.
pub const PAGE_ROWS_DEFAULT: usize = 50;
/// Bytes of a request body.
pub const REQUEST_BODY_BYTES_MAX: usize = 1024 * 1024;
/// Attachments of one message.
pub const ATTACHMENTS_PER_MESSAGE_MAX: usize = 10;
/// Different emoji on one message.
pub const REACTION_KINDS_PER_MESSAGE_MAX: usize = 50;
/// People shown per emoji of a message; `count` has them all.
pub const REACTION_USERS_SHOWN_MAX: usize = 100;
/// Bytes (UTF-8) of one emoji, with its joiners and selectors.
pub const EMOJI_BYTES_MAX: usize = 64;
/// Messages of one `message:send` batch.
pub const BATCH_MESSAGES_MAX: usize = 100;
/// Characters of an idempotency key.
pub const IDEMPOTENCY_KEY_CHARACTERS_MAX: usize = 255;
/// Hours that a stored answer is replayed, by default.
pub const IDEMPOTENCY_HOURS_DEFAULT: u64 = 24;
/// Entries behind which `sync` sends a snapshot instead of the log.
pub const SYNC_BEHIND_ENTRIES_MAX: u64 = 10_000;
/// Threads whose cursors one `sync` may name.
pub const SYNC_THREADS_MAX: usize = 5_000;
/// New contacts of one `sync` answer, newest first; the rest is in `GET /api/contacts`.
pub const SYNC_CONTACTS_MAX: usize = 1_000;
/// Threads that one `sync` answer looks through.
pub const SYNC_PAGE_THREADS_MAX: usize = 100;
/// Bytes of one Socket.IO packet.
pub const SOCKET_PACKET_BYTES_MAX: u64 = 1024 * 1024;
/// Packets that wait for one device before it is cut off.
pub const DEVICE_QUEUE_PACKETS_MAX: usize = 512;
/// Devices of one person at a time.
pub const DEVICES_PER_USER_MAX: usize = 50;
/// Threads that one device may have open.
pub const OPEN_THREADS_PER_DEVICE_MAX: usize = 20;
/// Actions of one device that may wait for their answer.
pub const DEVICE_ACTIONS_IN_FLIGHT_MAX: usize = 64;
/// People whose presence one call may ask for.
pub const PRESENCE_USERS_MAX: usize = 200;
