import { signal } from "@preact/signals";
import { maybe } from "./rpc";

// Who validates: now, and in the epochs of the blocks that are shown. A bit of a block's
// votes is a place in the set of the block's own epoch, and in no other.

export interface Validator {
  index: number;
  address: string;
  name: string;
  suspended: boolean;
}

export interface ValidatorSet {
  epoch: number;
  firstSeq: number;
  lastSeq: number;
  f: number;
  quorum: number;
  params: string;
  validators: Validator[];
}

/** validators is the set that decides the next block. */
export const validators = signal<ValidatorSet | undefined>(undefined);

const sets = signal<Map<number, ValidatorSet>>(new Map()); // by epoch
const names = signal<Map<string, string>>(new Map()); // also of members that have left

/** nameOf is what a validator calls itself, or undefined. */
export const nameOf = (address: string): string | undefined => names.value.get(address.toLowerCase()) || undefined;

/** setOf is the set of an epoch, once it is known. */
export const setOf = (epoch: number): ValidatorSet | undefined => (validators.value?.epoch === epoch ? validators.value : sets.value.get(epoch));

/** placeOf is the place of a validator in a set, or undefined if it is no member. */
export const placeOf = (set: ValidatorSet | undefined, address: string): number | undefined => set?.validators.find((v) => v.address.toLowerCase() === address.toLowerCase())?.index;

/** has reports whether validator i is in a bitset. */
export const has = (bits: string | undefined, i: number): boolean => {
  if (!bits) return false;
  const byte = parseInt(bits.slice(2 + 2 * (i >> 3), 4 + 2 * (i >> 3)), 16);
  return !Number.isNaN(byte) && ((byte >> (i & 7)) & 1) === 1;
};

function remember(set: ValidatorSet): void {
  if (set.validators.every((v) => names.value.get(v.address.toLowerCase()) === v.name)) return;
  names.value = new Map([...names.value, ...set.validators.map((v): [string, string] => [v.address.toLowerCase(), v.name])]);
}

/** renew asks who decides the next block. */
export async function renew(): Promise<void> {
  const set = await maybe<ValidatorSet | null>("pbft_validators");
  if (!set) return;
  remember(set);
  validators.value = set;
}

/** learn asks for the sets of these epochs, each by a block of it, and forgets all others. */
export async function learn(blocks: { epoch: number; number: number }[]): Promise<void> {
  const byEpoch = new Map(blocks.map((b) => [b.epoch, b.number])), next = new Map<number, ValidatorSet>();
  let changed = false;
  await Promise.all(
    [...byEpoch].map(async ([epoch, number]) => {
      const known = sets.value.get(epoch) ?? (validators.value?.epoch === epoch ? validators.value : undefined);
      const set = known ?? (await maybe<ValidatorSet | null>("pbft_validators", number));
      if (!set) return;
      changed ||= set !== sets.value.get(epoch);
      remember(set);
      next.set(epoch, set);
    }),
  );
  if (changed || next.size !== sets.value.size) sets.value = next;
}
