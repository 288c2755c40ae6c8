// The client that a tree of components talks to.

import { createContext, createElement, type ReactNode, useContext } from "react";

import type { Client } from "../client/client.js";

const Context = createContext<Client | undefined>(undefined);

/** Gives a client to everything below. Starting and stopping it stays with who made it. */
export function ClientProvider(props: { readonly client: Client; readonly children?: ReactNode }) {
  return createElement(Context.Provider, { value: props.client }, props.children);
}

/** The client of the nearest provider. */
export function useClient(): Client {
  const client = useContext(Context);
  if (client === undefined)
    throw new Error("useClient needs a <ClientProvider client={…}> above it");
  return client;
}
