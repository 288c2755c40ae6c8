// Hooks for React.

export {
  useBlocked,
  useConnection,
  useContacts,
  useDraft,
  useKeptIn,
  useOutbox,
  useOwnNames,
  usePresence,
  useThreads,
  useTyping,
} from "./lists.js";
export { useObservable } from "./observable.js";
export { ClientProvider, useClient } from "./provider.js";
export { type TimelineView, useTimeline } from "./timeline.js";
