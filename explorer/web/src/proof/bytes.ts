import { keccak_256 } from "@noble/hashes/sha3";

// Strings and bytes. Everything here is strict: what a node writes has one spelling,
// and another one is an error.

/** Refused is a statement that does not hold; its text says which. */
export class Refused extends Error {}

const dataForm = /^0x(?:[0-9a-f]{2})*$/;
const quantityForm = /^0x(?:0|[1-9a-f][0-9a-f]{0,15})$/;

/** data reads bytes in lower-case hexadecimal. */
export function data(value: unknown, what: string): Uint8Array {
  if (typeof value !== "string" || !dataForm.test(value)) throw new Refused(`${what}: bytes in lower-case hexadecimal are expected`);
  const out = new Uint8Array((value.length - 2) / 2);
  for (let i = 0; i < out.length; i++) out[i] = parseInt(value.slice(2 + 2 * i, 4 + 2 * i), 16);
  return out;
}

/** fixed reads bytes of a known length. */
export function fixed(value: unknown, length: number, what: string): Uint8Array {
  const out = data(value, what);
  if (out.length !== length) throw new Refused(`${what}: ${out.length} bytes, ${length} are expected`);
  return out;
}

/** quantity reads a number of up to 64 bits as Ethereum writes it. */
export function quantity(value: unknown, what: string): bigint {
  if (typeof value !== "string" || !quantityForm.test(value)) throw new Refused(`${what}: a number in hexadecimal is expected`);
  return BigInt(value);
}

export function hex(bytes: Uint8Array): string {
  let out = "0x";
  for (const b of bytes) out += b.toString(16).padStart(2, "0");
  return out;
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}

/** compare orders bytes as addresses are ordered. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

export const keccak = (bytes: Uint8Array): Uint8Array => keccak_256(bytes);
export const text = (s: string): Uint8Array => new TextEncoder().encode(s);

/** number is the big-endian value of bytes. */
export function number(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(hex(bytes));
}
