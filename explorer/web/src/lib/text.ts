import { printable } from "./format";

/** decodeString reads the answer of name() or symbol(): an ABI string, or bytes32 as old tokens have it. */
export function decodeString(output: string): string | undefined {
  const body = output.slice(2);
  const bytes = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (b) => parseInt(b, 16));
  const text = (b: Uint8Array) => printable(new TextDecoder().decode(b), 48);
  if (body.length === 64) return text(bytes(body.replace(/(?:00)+$/, "")));
  if (body.length < 128 || BigInt("0x" + body.slice(0, 64)) !== 32n) return undefined;
  const length = BigInt("0x" + body.slice(64, 128));
  if (length > BigInt((body.length - 128) / 2)) return undefined;
  return text(bytes(body.slice(128, 128 + Math.min(Number(length), 512) * 2)));
}
