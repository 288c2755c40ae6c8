// Who is signed in on this device, from one start to the next. What lets them in is elsewhere: in a cookie that no script
// reads, or with a host application, whose token is kept here.

const NAME = "semel:account";

export interface Account {
  readonly user_id: string;
  /** What they are called, once this device was told. */
  readonly name?: string;
  /** A host application's; without it the sign-in is this server's. */
  readonly token?: string;
}

export function readAccount(text = kept()): Account | undefined {
  try {
    const { user_id, name, token } = JSON.parse(text ?? "{}") as Partial<Account>;
    if (typeof user_id !== "string") return undefined;
    return {
      user_id,
      ...(typeof name === "string" ? { name } : {}),
      ...(typeof token === "string" ? { token } : {}),
    };
  } catch {
    return undefined;
  }
}

export function keepAccount(account: Account | undefined): void {
  try {
    if (account === undefined) localStorage.removeItem(NAME);
    else localStorage.setItem(NAME, JSON.stringify(account));
  } catch {
    // It lasts until the page is closed.
  }
}

/** Keeps what the person is called who is signed in. */
export function nameAccount(user_id: string, name: string): void {
  const account = readAccount();
  if (account?.user_id === user_id && account.name !== name) keepAccount({ ...account, name });
}

/** Calls back when another tab signs somebody in. */
export function onOtherAccount(listener: (account: Account) => void): void {
  addEventListener("storage", ({ key, newValue }) => {
    const account = key === NAME ? readAccount(newValue) : undefined;
    if (account !== undefined) listener(account);
  });
}

function kept(): string | null {
  try {
    return localStorage.getItem(NAME);
  } catch {
    return null;
  }
}
