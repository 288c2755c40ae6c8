//! The statements of [`store`](super::store): columns of values go in, side by side.

pub(super) const PUT_THREADS: &str =
    "INSERT INTO threads (id, thread_type, title, title_is_automatic, picture, history, posting,
         participants_key, is_separate, participant_count, epoch, created_by, created_at, description, adding,
         naming)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::boolean[], $5::text[], $6::text[], $7::text[],
         $8::bytea[], $9::boolean[], $10::bigint[], $11::bigint[], $12::text[], $13::bigint[], $14::text[],
         $15::text[], $16::text[])
     ON CONFLICT (id) DO UPDATE SET
         title = excluded.title, title_is_automatic = excluded.title_is_automatic,
         picture = excluded.picture, history = excluded.history, posting = excluded.posting,
         participants_key = excluded.participants_key, is_separate = excluded.is_separate,
         participant_count = excluded.participant_count, epoch = excluded.epoch,
         description = excluded.description, adding = excluded.adding, naming = excluded.naming";
pub(super) const APPEND: &str =
    "INSERT INTO log (thread_id, rev, epoch, seq, type, data, actor_id, created_at, content_hash, chain,
         last_seq, message_count, message_id, message_rev, client_id, kind, content, reply_to, reactions,
         edited_at, deleted_at, is_removed)
     SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[],
         $8::bigint[], $9::bytea[], $10::bytea[], $11::bigint[], $12::bigint[], $13::uuid[], $14::bigint[],
         $15::uuid[], $16::text[], $17::text[], $18::uuid[], $19::text[], $20::bigint[], $21::bigint[], $22::boolean[])";
/// Of a message as it was sent: everything else of the line follows, or is nothing.
pub(super) const APPEND_PLAIN: &str =
    "INSERT INTO log (thread_id, rev, epoch, seq, type, actor_id, created_at, content_hash, chain,
         last_seq, message_count, message_id, message_rev, client_id, kind, content)
     SELECT k.thread_id, k.rev, k.epoch, k.seq, $13, k.actor_id, k.created_at, k.content_hash, k.chain,
         k.seq, k.message_count, k.message_id, k.rev, k.client_id, $14, k.content
     FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[], $7::bytea[],
         $8::bytea[], $9::bigint[], $10::uuid[], $11::uuid[], $12::text[])
         AS k (thread_id, rev, epoch, seq, actor_id, created_at, content_hash, chain, message_count, message_id,
             client_id, content)";
pub(super) const UPDATE_MESSAGES: &str =
    "UPDATE log SET message_rev = k.message_rev, content = k.content, reactions = k.reactions,
         edited_at = k.edited_at, deleted_at = k.deleted_at, is_removed = k.is_removed
     FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bigint[],
         $8::bigint[], $9::boolean[])
         AS k (thread_id, rev, seq, message_rev, content, reactions, edited_at, deleted_at, is_removed)
     WHERE log.thread_id = k.thread_id AND log.rev = k.rev AND log.seq = k.seq";
pub(super) const ADD_CLIENT_IDS: &str =
    "INSERT INTO client_ids (client_id, sender_id, thread_id, seq, content_hash)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::bytea[])";
pub(super) const PUT_PARTICIPANTS: &str =
    "INSERT INTO participants (thread_id, user_id, role, joined_rev, periods, hidden_seq, is_active, is_removed, block,
         muted_until, pinned_at, is_archived)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::boolean[],
         $8::boolean[], $9::text[], $10::bigint[], $11::bigint[], $12::boolean[])
     ON CONFLICT (thread_id, user_id) DO UPDATE SET
         role = excluded.role, joined_rev = excluded.joined_rev, periods = excluded.periods,
         hidden_seq = excluded.hidden_seq, is_active = excluded.is_active,
         is_removed = excluded.is_removed, block = excluded.block, muted_until = excluded.muted_until,
         pinned_at = excluded.pinned_at, is_archived = excluded.is_archived";
pub(super) const PUT_POSITIONS: &str =
    "INSERT INTO positions (thread_id, user_id, read_seq, read_count, delivered_seq)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
     ON CONFLICT (thread_id, user_id) DO UPDATE SET
         read_seq = excluded.read_seq, read_count = excluded.read_count,
         delivered_seq = excluded.delivered_seq";
pub(super) const REMOVE_OWNERS: &str =
    "DELETE FROM participants_keys WHERE participants_key = ANY($1)";
pub(super) const ADD_OWNERS: &str = "INSERT INTO participants_keys (participants_key, thread_id)
     SELECT * FROM unnest($1::bytea[], $2::uuid[])";
pub(super) const ADD_USERS: &str =
    "INSERT INTO users (id, display_name, about, picture, created_at, updated_at, handle, standing, standing_at)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[],
         $8::text[], $9::bigint[])";
pub(super) const CHANGE_USERS: &str =
    "UPDATE users SET display_name = k.display_name, about = k.about, picture = k.picture, updated_at = k.updated_at,
         handle = k.handle, standing = k.standing, standing_at = k.standing_at
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[],
             $9::bigint[])
         AS k (id, display_name, about, picture, updated_at, handle, version, standing, standing_at)
     WHERE users.id = k.id COLLATE \"C\" AND (k.version IS NULL OR users.xmin::text = k.version)";
/// One that was added meanwhile began at another time.
pub(super) const PUT_CONTACTS: &str = "INSERT INTO contacts (user_id, contact_id, since, own_name)
     SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[])
     ON CONFLICT (user_id, contact_id) DO UPDATE SET own_name = excluded.own_name
         WHERE contacts.since = excluded.since";
pub(super) const REMOVE_CONTACTS: &str = "DELETE FROM contacts c
     USING unnest($1::text[], $2::text[]) AS k (one, other)
     WHERE c.user_id = k.one COLLATE \"C\" AND c.contact_id = k.other COLLATE \"C\"";
pub(super) const PUT_HEADS: &str = "INSERT INTO person_heads (user_id, user_rev)
     SELECT * FROM unnest($1::text[], $2::bigint[])
     ON CONFLICT (user_id) DO UPDATE SET user_rev = excluded.user_rev
         WHERE person_heads.user_rev < excluded.user_rev";
pub(super) const PUT_PERSON_LOG: &str =
    "INSERT INTO person_log (user_id, subject, subject_id, user_rev)
     SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bigint[])
     ON CONFLICT (user_id, subject, subject_id) DO UPDATE SET user_rev = excluded.user_rev";
pub(super) const REMOVE_LINES: &str = "DELETE FROM person_log l
     USING unnest($1::text[], $2::text[], $3::bytea[]) AS k (who, subject, subject_id)
     WHERE l.user_id = k.who COLLATE \"C\" AND l.subject = k.subject AND l.subject_id = k.subject_id";
pub(super) const REMOVE_ANSWERS: &str = "DELETE FROM answers a
     USING unnest($1::text[], $2::text[]) AS k (who, key)
     WHERE a.user_id = k.who COLLATE \"C\" AND a.key = k.key COLLATE \"C\"";
pub(super) const UNNAME_ANSWERS: &str = "DELETE FROM answer_messages a
     USING unnest($1::text[], $2::text[]) AS k (who, key)
     WHERE a.user_id = k.who COLLATE \"C\" AND a.key = k.key COLLATE \"C\"";
pub(super) const ADD_ANSWERS: &str =
    "INSERT INTO answers (user_id, key, fingerprint, status, body, location, created_at, message_ids)
     SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bigint[], $5::bytea[], $6::text[], $7::bigint[],
         $8::bytea[])";
pub(super) const NAME_ANSWERS: &str = "INSERT INTO answer_messages (message_id, user_id, key)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[])";
