// What this browser is called among a person's devices.

const NAME = "semel:device";

/** The same at every start, as long as the browser keeps anything. */
export function deviceId(): string {
  const fresh = crypto.randomUUID();
  try {
    const known = localStorage.getItem(NAME);
    if (known === null) localStorage.setItem(NAME, fresh);
    return known ?? fresh;
  } catch {
    return fresh;
  }
}

const browsers = [
  ["Edg/", "Edge"],
  ["OPR/", "Opera"],
  ["Firefox/", "Firefox"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"],
] as const;
const systems = [
  ["Android", "Android"],
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Windows", "Windows"],
  ["Mac OS", "macOS"],
  ["Linux", "Linux"],
] as const;

/** For people who look at the list of their devices. */
export function deviceName(agent: string): string {
  const find = (names: readonly (readonly [string, string])[]) =>
    names.find(([part]) => agent.includes(part))?.[1];
  return [find(browsers), find(systems)].filter((name) => name !== undefined).join(", ");
}
