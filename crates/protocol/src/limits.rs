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
/// Characters of a thread's description.
pub const DESCRIPTION_CHARACTERS_MAX: usize = 2_000;
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
/// Changed profiles of one `sync` answer; the rest comes with the next page.
pub const SYNC_PROFILES_MAX: usize = 200;
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
/// Digits of a code that is sent to a phone or an address.
pub const CODE_DIGITS: usize = 6;
/// Minutes that a code counts.
pub const CODE_MINUTES_MAX: i64 = 10;
/// Guesses of one code.
pub const CODE_TRIES_MAX: u64 = 5;
/// Codes for one number or address in an hour.
pub const CODES_PER_RECEIVER_HOUR_MAX: u64 = 5;
/// Codes for numbers that begin alike, or for one mail domain, in an hour.
pub const CODES_PER_PREFIX_HOUR_MAX: u64 = 100;
/// Sign-ins that one network address begins in an hour.
pub const SIGN_INS_PER_ADDRESS_HOUR_MAX: u64 = 30;
/// Guesses from one network address in an hour.
pub const GUESSES_PER_ADDRESS_HOUR_MAX: u64 = 100;
/// Minutes that a browser may take at a provider.
pub const PROVIDER_MINUTES_MAX: i64 = 10;
/// Minutes that an access token counts.
pub const ACCESS_TOKEN_MINUTES: i64 = 10;
/// Seconds in which a lost answer to a refresh or a right code can be asked for again.
pub const REFRESH_GRACE_SECONDS: i64 = 30;
/// Days after which a sign-in ends that was not refreshed.
pub const SESSION_IDLE_DAYS_MAX: i64 = 60;
/// Days after which every sign-in ends.
pub const SESSION_DAYS_MAX: i64 = 365;
/// Devices of one person that are signed in; the one that was refreshed least lately gives way.
pub const SESSIONS_PER_USER_MAX: usize = 100;
/// Numbers, addresses and accounts of one person.
pub const IDENTITIES_PER_USER_MAX: usize = 20;
/// Minutes after a sign-in in which a person may link and unlink.
pub const FRESH_SIGN_IN_MINUTES_MAX: i64 = 10;
/// Characters of a device's name.
pub const DEVICE_NAME_CHARACTERS_MAX: usize = 100;
/// Characters that a handle has at least.
pub const HANDLE_CHARACTERS_MIN: usize = 3;
/// Characters of a handle.
pub const HANDLE_CHARACTERS_MAX: usize = 30;
/// Handles that one person takes in 30 days.
pub const HANDLE_CHANGES_PER_MONTH_MAX: u64 = 3;
/// Times that one person tries to take a handle in a day, also one that is somebody else's.
pub const HANDLE_TRIES_PER_PERSON_DAY_MAX: u64 = 50;
/// Times that one person changes name, picture or what they say about themselves in a day.
pub const PROFILE_CHANGES_PER_PERSON_DAY_MAX: u64 = 200;
/// Days in which only its last person may take a handle that was given up.
pub const HANDLE_KEPT_DAYS: i64 = 30;
/// Times that one person looks for somebody in a day.
pub const FINDS_PER_PERSON_DAY_MAX: u64 = 200;
/// Times that somebody is looked for from one network address in a day.
pub const FINDS_PER_ADDRESS_DAY_MAX: u64 = 1_000;
/// People with whom they share no thread whom one person asks after, writes to, adds, blocks or reports in a day, by default; once for each time.
pub const STRANGERS_PER_PERSON_DAY_DEFAULT: u64 = 10_000;
/// People who are in a group at a time.
pub const GROUP_PARTICIPANTS_MAX: usize = 10_000;
/// Invite links of one group at a time; one that is used up gives way.
pub const INVITES_PER_THREAD_MAX: usize = 100;
/// People whom one invite link lets in, where it says how many.
pub const INVITE_USES_MAX: u64 = 10_000;
/// Minutes that an invite link counts at least, where it says how long.
pub const INVITE_MINUTES_MIN: i64 = 5;
/// Minutes that an invite link counts at most, where it says how long: a year.
pub const INVITE_MINUTES_MAX: i64 = 365 * 24 * 60;
/// Times that one person looks at invite links, or joins by them, in a day.
pub const INVITE_LOOKS_PER_PERSON_DAY_MAX: u64 = 200;
/// Times that invite links which lead nowhere are looked at, or joined by, from one network address in a day.
pub const INVITE_LOOKS_PER_ADDRESS_DAY_MAX: u64 = 1_000;
/// Characters of an operator's reason.
pub const REASON_CHARACTERS_MAX: usize = 500;
/// People who run a server.
pub const OPERATORS_MAX: usize = 100;
/// Characters of what a person says to a report.
pub const REPORT_CHARACTERS_MAX: usize = 1_000;
/// Things that one person reports in a day.
pub const REPORTS_PER_PERSON_DAY_MAX: u64 = 50;
/// Days that a report is kept after it was resolved.
pub const REPORT_KEPT_DAYS: i64 = 180;
/// Exports of everything that is stored about one person in a day.
pub const EXPORTS_PER_PERSON_DAY_MAX: u64 = 5;
/// Bytes of a picture that is uploaded.
pub const PICTURE_BYTES_MAX: usize = 512 * 1024;
/// Pixels of each side of a picture that is uploaded.
pub const PICTURE_UPLOADED_PIXELS_MAX: u32 = 4_096;
/// Pixels of each side of a picture as it is kept.
pub const PICTURE_KEPT_PIXELS_MAX: u32 = 512;
/// Uploads of one person in a day, whatever comes of them: pictures that are there already and those that are refused count too.
pub const UPLOADS_PER_PERSON_DAY_MAX: u64 = 200;
/// New pictures of one person in a day.
pub const PICTURES_PER_PERSON_DAY_MAX: u64 = 50;
/// Hours that a picture is kept that nobody and no group has.
pub const PICTURE_UNUSED_HOURS: i64 = 24;
