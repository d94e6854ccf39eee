// What makes a webhook genuine: a signature of its sender over its time and its body, and a time near to now.

import { hmacSha256 } from "./hmac";

/** What a webhook says of itself. */
export interface Claim {
  /** Seconds since 1970, as text. */
  timestamp: string;
  /** `sha256=HEX`, or several with commas between them. */
  signatures: string;
  body: Uint8Array;
}

export interface Rules {
  secret: string;
  toleranceSeconds: number;
  nowSeconds: number;
}

/** Why a webhook is not genuine; undefined if it is. */
export function check({ timestamp, signatures, body }: Claim, rules: Rules): string | undefined {
  if (!/^\d{1,12}$/.test(timestamp)) return "x-timestamp is missing or no number of seconds";
  const offered = signatures.split(",").map((signature) => /^\s*sha256=([0-9a-f]{64})\s*$/i.exec(signature)?.[1]);
  if (!offered.some((hex) => hex !== undefined)) return "x-signature is missing or no sha256=…";
  const expected = sign(timestamp, body, rules.secret);
  // The signature goes first: who can't sign is not told what the clock says.
  const genuine = offered.filter((hex) => hex !== undefined && sameBytes(fromHex(hex), expected));
  if (genuine.length === 0) return "the signature does not match";
  const age = rules.nowSeconds - Number(timestamp);
  return Math.abs(age) > rules.toleranceSeconds ? "the webhook is too old, or its clock is ahead" : undefined;
}

/** The signature over `TIMESTAMP.BODY`. */
export function sign(timestamp: string, body: Uint8Array, secret: string): Uint8Array {
  const encoder = new TextEncoder();
  const head = encoder.encode(`${timestamp}.`);
  const signed = new Uint8Array(head.length + body.length);
  signed.set(head);
  signed.set(body, head.length);
  return hmacSha256(encoder.encode(secret), signed);
}

/** Compares in a time that does not depend on where they differ. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  let different = a.length ^ b.length;
  for (let at = 0; at < b.length; at++) different |= (a[at] ?? 0) ^ b[at]!;
  return different === 0;
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, at) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16));
}
