// What goes over the wire, by short names. HTTP types are generated; those of Socket.IO are in docs/PROTOCOL.md.

import type { ServerCode } from "./codes.js";
import type { components } from "./openapi.js";

type Schemas = components["schemas"];

/** Something said, as it was when it was written; `rev` is its last change. */
export type Message = Omit<Schemas["Message"], "attachments"> & {
  /** Files. The server takes none yet. */
  attachments: Attachment[];
};
/** What is attached to a message: its form is the server's, by `type`. */
export type Attachment = { readonly type?: string; readonly [field: string]: unknown };
/** Kind of a message. Devices step over kinds that they do not know. */
export type MessageKind = Schemas["MessageKind"];
/** One emoji on a message. */
export type Reaction = Schemas["Reaction"];
/** A conversation as one person sees it. */
export type Thread = Omit<Schemas["Thread"], "last_message"> & { last_message?: Message | null };
/** `direct`, `group` or `self`. */
export type ThreadType = Schemas["ThreadType"];
/** What newcomers see, who may write, add people, and name the group. */
export type ThreadSettings = Schemas["ThreadSettings"];
/** Who may do something in a group: `everyone` in it, or its `admins`. */
export type Allowed = Schemas["Allowed"];
/** What newcomers see of the time before: `all`, or nothing before they `joined`. */
export type History = Schemas["History"];
/** A person in a thread. */
export type Participant = Schemas["Participant"];
/** `admin` or `participant`. */
export type Role = Schemas["Role"];
/** A person, as others see them. */
export type User = Schemas["User"];
/** Somebody with whom the person has to do. */
export type Contact = Schemas["Contact"];
/** Somebody whom this person has blocked, and since when. */
export type Blocked = Schemas["Blocked"];
/** Whether somebody is blocked. */
export type Block = Schemas["Block"];
/** By what others find this person. */
export type Findability = Schemas["Findability"];
/** Who finds a person by something: `everybody`, `contacts` or `nobody`. */
export type FoundBy = Schemas["FoundBy"];
/** What is for this person alone: muted, pinned, archived. */
export type Preferences = Schemas["Preferences"];
/** What a call is about when it changes them. */
export type ChangePreferences = Schemas["ChangePreferences"];
/** A picture that was uploaded: its address at the server, and its size as it is kept. */
export type Picture = Schemas["PictureResult"];
/** What a call is about when it changes a profile. */
export type ProfileChange = Schemas["ProfileChange"];
/** What a call is about when it changes a thread. */
export type ChangeThread = Schemas["ChangeThread"];
/** Messages of an interval. */
export type MessagePage = Omit<Schemas["MessagePage"], "messages"> & { messages: Message[] };
/** Entries after a cursor. */
export type EntryPage = Omit<Schemas["EntryPage"], "entries"> & { entries: Entry[] };
/** Answer to `expand`. */
export type ExpandResult = Omit<Schemas["ExpandResult"], "message" | "thread"> & {
  thread: Thread;
  message?: Message | null;
};
/** One numbered line of a thread's log. */
export type Entry = Schemas["Entry"];
/** What the log says of a message when it changed: the message as it is now. */
export type EntryType = Entry["type"];
/** An error as the server answers it (RFC 9457). */
export type Problem = Omit<Schemas["Problem"], "code"> & { code: ServerCode };

/** How people sign in at a server. */
export type SignInMethods = Schemas["SignInMethods"];
/** A code is on its way: it counts with this `challenge_id` only. */
export type Challenge = Schemas["StartSignInResult"];
/** A device that is signed in. */
export type Session = Schemas["Session"];
/** A number, address or account by which somebody signs in. */
export type Identity = Schemas["Identity"];
/** `phone`, `email` or `oidc`. */
export type SignInKind = Schemas["SignInKind"];

/** How many people a new link lets in, and how many minutes it counts; what is left out has no bound. */
export type CreateInvite = Schemas["CreateInvite"];
/** A link that invites into a group, for those who may add people to it. */
export type Invite = Schemas["Invite"];
/** What somebody who has a link learns of the group before they join. */
export type InviteSight = Schemas["InviteSight"];
/** The thread that somebody joined by a link, and whether this call let them in. */
export type JoinResult = Omit<Schemas["JoinResult"], "thread"> & { thread: Thread };

/** A report that is made. */
export type NewReport = Schemas["NewReport"];
/** A report, as operators see it. */
export type Report = Schemas["Report"];
/** What is wrong with a message or a person. */
export type ReportReason = Schemas["ReportReason"];
/** What became of a report. */
export type ReportOutcome = Schemas["ReportOutcome"];
/** One line of the audit log. */
export type AuditLine = Schemas["AuditLine"];
/** What an operator did. */
export type Deed = Schemas["Deed"];

/** A place in a thread's log. */
export interface Cursor {
  readonly rev: number;
  readonly chain?: string;
  readonly epoch?: number;
}

export interface SyncRequest {
  readonly threads: Readonly<Record<string, Cursor>>;
  readonly since?: number;
  readonly incarnation?: string;
  readonly cursor?: string;
}

export interface SyncThread {
  readonly thread: Thread;
  readonly entries: Entry[];
  readonly messages: Message[];
  readonly head_rev: number;
  readonly epoch: number;
  readonly more: boolean;
  readonly too_old: boolean;
}

export interface SyncResult {
  readonly threads: SyncThread[];
  readonly left: string[];
  readonly contacts: Contact[];
  readonly blocks: Block[];
  readonly profiles: User[];
  readonly incarnation: string;
  readonly since: number;
  readonly next_cursor?: string | null;
}

export interface SendResult {
  readonly message: Message;
  readonly duplicate: boolean;
}

export interface StartConversationResult {
  readonly thread: Thread;
  readonly message: Message;
  readonly is_existing_thread: boolean;
}

export type BatchItem =
  | { readonly status: "success"; readonly data: SendResult }
  | { readonly status: "error"; readonly error: Problem };

export interface ReadResult {
  readonly thread_id: string;
  readonly read_seq: number;
  readonly unread_count: number;
}

/** How far somebody has read, or was delivered to. */
export interface Receipt {
  readonly thread_id: string;
  readonly user_id: string;
  readonly seq: number;
}

export interface TypingNotice {
  readonly thread_id: string;
  readonly user_id: string;
  readonly typing: boolean;
}

/** Whether somebody is there. */
export interface Presence {
  readonly user_id: string;
  readonly online: boolean;
  readonly last_seen_at?: string | null;
}

/** What this person set for a thread, on any of their devices. */
export interface PreferencesNotice {
  readonly thread_id: string;
  readonly preferences: Preferences;
}

export interface Heads {
  readonly heads: Readonly<Record<string, number>>;
}

export interface Closing {
  readonly code: ServerCode;
  readonly retry_after_ms?: number | null;
}

/** The acknowledgement of every event. */
export type Ack<T> =
  | { readonly status: "success"; readonly data: T }
  | { readonly status: "error"; readonly error: Problem };
