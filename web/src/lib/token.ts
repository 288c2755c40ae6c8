// What an access token says of its owner. Only the server can tell whether it is valid.

/** The person a token is for; none when it is no token. */
export function ownerOf(token: string): string | undefined {
  return claimOf(token, "sub");
}

/** What a host application calls them, where it says so. */
export function nameIn(token: string): string | undefined {
  return claimOf(token, "name");
}

function claimOf(token: string, claim: string): string | undefined {
  const part = token.split(".")[1];
  if (part === undefined) return undefined;
  try {
    const plain = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(plain, (character) => character.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const found = (claims as Readonly<Record<string, unknown>> | null)?.[claim];
    return typeof found === "string" && found !== "" ? found : undefined;
  } catch {
    return undefined;
  }
}
