// Histories for `semel check`.

export type { HistoryEvent } from "./events.js";
export { type HistoryHeader, Recorder, SessionRecord } from "./recorder.js";
