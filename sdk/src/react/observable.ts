// From an observable to React.

import { useSyncExternalStore } from "react";

import type { Observable } from "../emitter.js";

/** The state of an observable; the component is drawn again when it changed. */
export function useObservable<T>(observable: Observable<T>): T {
  return useSyncExternalStore(observable.subscribe, observable.get, observable.get);
}
