import { decodeFunctionResult, encodeFunctionData } from "viem";
import { call } from "./rpc";
import { system } from "./abi";

// What the contracts that begin with the chain say, asked like any contract.

const at = (n: number) => `0x71756f726174650000000000000000000000000${n}`;
export const senders = at(3), deployers = at(4), observersAt = at(5), parametersAt = at(6);

/** ask calls a view function of a system contract. */
export async function ask<T>(address: string, functionName: string, args: unknown[] = []): Promise<T> {
  const abi = system[address]!.abi;
  const data = encodeFunctionData({ abi, functionName, args } as never) as string;
  return decodeFunctionResult({ abi, functionName, data: (await call<string>("eth_call", { to: address, data }, "latest")) as `0x${string}` } as never) as T;
}

export interface Observer {
  nodeId: string;
  name: string;
}

/** observers are the nodes that follow without a vote. */
export const observers = async (): Promise<Observer[]> => (await ask<readonly Observer[]>(observersAt, "nodes")).map((o) => ({ nodeId: base58(o.nodeId), name: o.name }));

const digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** base58 writes the bytes of a node id as people see it everywhere else. */
export function base58(hex: string): string {
  let out = "";
  for (let x = BigInt(hex === "0x" ? "0x0" : hex); x > 0n; x /= 58n) out = digits[Number(x % 58n)]! + out;
  const zeros = /^(?:00)*/.exec(hex.slice(2))![0].length / 2;
  return "1".repeat(zeros) + out;
}

export interface Listed {
  address: string;
  role: number;
  frozen: boolean;
}

export interface AllowList {
  closed?: boolean;
  count: number;
  accounts: Listed[];
}

const accountsShown = 100n;

/** allowList is who has a role, or is frozen, in one of the lists. */
export async function allowList(address: string): Promise<AllowList> {
  const [count, closed] = await Promise.all([ask<bigint>(address, "accountCount"), address === observersAt ? undefined : ask<boolean>(address, "isClosed")]);
  const list = count === 0n ? [] : await ask<readonly string[]>(address, "accounts", [0n, accountsShown]);
  const accounts = await Promise.all(
    list.map(async (a) => {
      const [role, frozen] = await Promise.all([ask<bigint>(address, "roleOf", [a]), ask<boolean>(address, "isFrozen", [a])]);
      return { address: a, role: Number(role), frozen };
    }),
  );
  return { closed, count: Number(count), accounts };
}
