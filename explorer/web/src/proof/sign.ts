import { secp256k1 } from "@noble/curves/secp256k1";
import { concat, equal, hex, keccak, number, Refused, text } from "./bytes";

// What validators sign: 32-byte words, as Solidity's abi.encode lays them out. The
// counterpart is package consensus; docs/protocol.md has the table.

/** Domain binds signatures to one network. */
export interface Domain {
  chainId: bigint;
  genesis: Uint8Array;
}

export const kinds = { commit: 3n, checkpoint: 4n } as const;

const voteTag = keccak(text("quorate/vote/1"));
const recoveryTag = keccak(text("quorate/recovery/1"));

/** word is a number, or bytes of at most 32, as one word. */
export function word(value: bigint | Uint8Array): Uint8Array {
  const out = new Uint8Array(32);
  if (value instanceof Uint8Array) out.set(value, 32 - value.length);
  else for (let i = 31, x = value; x > 0n; i--, x >>= 8n) out[i] = Number(x & 0xffn);
  return out;
}

export const words = (...values: (bigint | Uint8Array)[]): Uint8Array => concat(...values.map(word));

export function votePreimage(d: Domain, kind: bigint, epoch: bigint, ...fields: (bigint | Uint8Array)[]): Uint8Array {
  return words(voteTag, d.chainId, d.genesis, kind, epoch, ...fields);
}

export function recoveryPreimage(d: Domain, ...fields: (bigint | Uint8Array)[]): Uint8Array {
  return words(recoveryTag, d.chainId, d.genesis, ...fields);
}

const order = secp256k1.CURVE.n;

/**
 * signer returns who signed a preimage: r, s and v of 0 or 1, s in the lower half of the
 * order, so that nobody but the signer can make another signature of the same.
 */
export function signer(signature: Uint8Array, preimage: Uint8Array): Uint8Array {
  return recover(number(signature.subarray(0, 32)), number(signature.subarray(32, 64)), signature.length === 65 ? signature[64]! : 2, keccak(preimage));
}

/** recover returns the address of the key that signed a hash. */
export function recover(r: bigint, s: bigint, v: number, hash: Uint8Array): Uint8Array {
  if (v > 1 || r <= 0n || r >= order || s <= 0n || s > order / 2n) throw new Refused("a signature is out of range");
  try {
    const point = new secp256k1.Signature(r, s).addRecoveryBit(v).recoverPublicKey(hash);
    return keccak(point.toRawBytes(false).subarray(1)).subarray(12);
  } catch {
    throw new Refused("a signature is of no key");
  }
}

/** mustBe checks that a signature over a preimage is by one address. */
export function mustBe(signature: Uint8Array, preimage: Uint8Array, who: Uint8Array, name: string): void {
  const by = signer(signature, preimage);
  if (!equal(by, who)) throw new Refused(`${name}: the signature is not by ${hex(who)}`);
}
