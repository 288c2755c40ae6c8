// Everything that the package gives, by name.

import * as limits from "./protocol/limits.js";

export { Actions, type OnConflict, type Page } from "./client/actions.js";
export { Client, type ClientOptions, createClient, type Unsent } from "./client/client.js";
export type { SendOptions, Sent } from "./client/compose.js";
export { Drafts } from "./client/drafts.js";
export {
  createInvite,
  joinByInvite,
  listInvites,
  lookAtInvite,
  revokeInvite,
} from "./client/invites.js";
export { type Lookup, lookUp } from "./client/lookup.js";
export { type Operators, operatorsOf } from "./client/operators.js";
export {
  blockPerson,
  changeFindability,
  changePreferences,
  getFindability,
  listBlocks,
  nameContact,
  setHandle,
  unblockPerson,
} from "./client/own.js";
export type { Peer } from "./client/peer.js";
export { reportMessage, reportPerson } from "./client/reports.js";
export type { SearchOptions } from "./client/search.js";
export { browserStorage, memoryStorage, type OpenStorage, type Storage } from "./client/storage.js";
export type { KeptIn } from "./database/resilient.js";
export type { DraftRecord } from "./database/schema.js";
export type { Observable } from "./emitter.js";
export type { ConnectionPhase, ConnectionState } from "./engine/state.js";
export type { Cancel, Environment } from "./environment.js";
export {
  type ErrorCode,
  hasCode,
  isRefused,
  isSemelError,
  type LocalCode,
  RefusedError,
  SemelError,
} from "./errors.js";
export { canonicalUserId } from "./ids.js";
export type { Call, Credentials, Link, LinkListener, Network } from "./network/port.js";
export { sockets } from "./network/sockets.js";
export type { Auth, TokenReason, TokenSource } from "./network/tokens.js";
export type { Destination, Failure } from "./outbox/item.js";
export type { Target } from "./outbox/keep.js";
export type { ServerCode } from "./protocol/codes.js";
export type {
  Ack,
  Allowed,
  Attachment,
  AuditLine,
  Blocked,
  Challenge,
  ChangePreferences,
  ChangeThread,
  Contact,
  CreateInvite,
  Deed,
  Entry,
  EntryType,
  ExpandResult,
  Findability,
  FoundBy,
  History,
  Identity,
  Invite,
  InviteSight,
  JoinResult,
  Message,
  MessageKind,
  NewReport,
  Participant,
  Picture,
  Preferences,
  Presence,
  Problem,
  ProfileChange,
  Reaction,
  Report,
  ReportOutcome,
  ReportReason,
  Role,
  Session,
  SignInKind,
  SignInMethods,
  Thread,
  ThreadSettings,
  ThreadType,
  User,
} from "./protocol/wire.js";
export {
  createSignIn,
  type SignedIn,
  SignIn,
  type SignInOptions,
  type TokenKeeper,
} from "./sign-in/sign-in.js";
export type { ContactItem } from "./views/contacts.js";
export type { OutboxState } from "./views/outbox.js";
export type { Row, RowState } from "./views/rows.js";
export type { ThreadItem } from "./views/threads.js";
export { type Edge, Timeline, type TimelineState } from "./views/timeline.js";
export type { Attempt, Outcome, Witness } from "./witness.js";
export { limits };
