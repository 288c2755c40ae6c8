// Fingerprints as docs/HISTORY.md wants them (HI-9).

const MASK = (1n << 64n) - 1n;
const encoder = new TextEncoder();

/** The fingerprint of several parts, each with its length. */
export function fingerprint(...parts: readonly (Uint8Array | string)[]): string {
  let hash = 0xcbf29ce484222325n;
  const eat = (byte: number) => {
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & MASK;
  };
  for (const part of parts) {
    const bytes = typeof part === "string" ? encoder.encode(part) : part;
    let length = BigInt(bytes.length);
    for (let place = 0; place < 8; place += 1) {
      eat(Number(length & 0xffn));
      length >>= 8n;
    }
    for (const byte of bytes) eat(byte);
  }
  const mixed = mix(hash);
  return (mixed === 0n ? 1n : mixed).toString(16).padStart(16, "0");
}

/** The 16 bytes of a UUID. */
export function uuidBytes(uuid: string): Uint8Array {
  const digits = uuid.replaceAll("-", "");
  return Uint8Array.from({ length: 16 }, (_, n) =>
    Number.parseInt(digits.slice(2 * n, 2 * n + 2), 16),
  );
}

function mix(hash: bigint): bigint {
  let mixed = ((hash ^ (hash >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  mixed = ((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return mixed ^ (mixed >> 31n);
}
