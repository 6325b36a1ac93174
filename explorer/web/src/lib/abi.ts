import { decodeErrorResult, decodeEventLog, decodeFunctionData, parseAbi, toEventSelector, toFunctionSelector, type Abi, type AbiEvent, type AbiFunction, type AbiParameter } from "viem";
import { abi as allowList } from "../../../../contracts/artefacts/AllowList.json";
import { abi as observers } from "../../../../contracts/artefacts/Observers.json";
import { abi as parameters } from "../../../../contracts/artefacts/Parameters.json";
import { abi as validators } from "../../../../contracts/artefacts/Validators.json";
import { decodeString } from "./text";

// What bytes mean: by the ABI that the user gave to an address, by those of the system
// contracts, and by the common standards.

const standards = parseAbi([
  "function transfer(address to, uint256 value) returns (bool)",
  "function approve(address spender, uint256 value) returns (bool)",
  "function transferFrom(address from, address to, uint256 value) returns (bool)",
  "function mint(address to, uint256 value)",
  "function burn(uint256 value)",
  "function safeTransferFrom(address from, address to, uint256 id)",
  "function safeTransferFrom(address from, address to, uint256 id, bytes data)",
  "function safeTransferFrom(address from, address to, uint256 id, uint256 value, bytes data)",
  "function safeBatchTransferFrom(address from, address to, uint256[] ids, uint256[] values, bytes data)",
  "function setApprovalForAll(address operator, bool approved)",
  "function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)",
  "function multicall(bytes[] calls)",
  "event TransferSingle(address indexed operator, address indexed from, address indexed to, uint256 id, uint256 value)",
  "event TransferBatch(address indexed operator, address indexed from, address indexed to, uint256[] ids, uint256[] values)",
  "event ApprovalForAll(address indexed owner, address indexed operator, bool approved)",
  "event OwnershipTransferred(address indexed previousOwner, address indexed newOwner)",
]);

// Transfer and Approval have one selector for ERC-20 and ERC-721; the number of topics tells.
const fungible = parseAbi(["event Transfer(address indexed from, address indexed to, uint256 value)", "event Approval(address indexed owner, address indexed spender, uint256 value)"]);
const unique = parseAbi(["event Transfer(address indexed from, address indexed to, uint256 indexed id)", "event Approval(address indexed owner, address indexed approved, uint256 indexed id)"]);

export const system: Record<string, { name: string; abi: Abi }> = {
  "0x71756f7261746500000000000000000000000002": { name: "Validators", abi: validators as Abi },
  "0x71756f7261746500000000000000000000000003": { name: "AllowList (senders)", abi: allowList as Abi },
  "0x71756f7261746500000000000000000000000004": { name: "AllowList (deployers)", abi: allowList as Abi },
  "0x71756f7261746500000000000000000000000005": { name: "Observers", abi: observers as Abi },
  "0x71756f7261746500000000000000000000000006": { name: "Parameters", abi: parameters as Abi },
};

const storeKey = "quorate.abi.";

/** storedAbi is what the user gave to an address. */
export function storedAbi(address: string): Abi | undefined {
  try {
    const text = localStorage.getItem(storeKey + address.toLowerCase());
    return text ? (JSON.parse(text) as Abi) : undefined;
  } catch {
    return undefined;
  }
}

const longestAbi = 1 << 20; // characters

/**
 * readAbi understands a JSON ABI, a compiler's artefact that has one, or signatures in
 * lines. It throws with the reason otherwise.
 */
export function readAbi(text: string): Abi {
  if (text.length > longestAbi) throw new Error(`the ABI has ${text.length} characters, at most ${longestAbi} are taken`);
  const trimmed = text.trim();
  if (!/^[[{]/.test(trimmed)) return parseAbi(trimmed.split(/\r?\n/).map((l) => l.trim()).filter(Boolean) as never) as Abi;
  const doc = JSON.parse(trimmed) as unknown;
  const list = Array.isArray(doc) ? doc : (doc as { abi?: unknown } | null)?.abi;
  if (!Array.isArray(list)) throw new Error("no ABI: a list, or an object with a list named abi, is expected");
  const kinds = ["function", "event", "error", "constructor", "fallback", "receive"];
  list.forEach((item: unknown, i) => {
    const entry = item as { type?: unknown; name?: unknown; inputs?: unknown };
    if (!entry || typeof entry !== "object" || !kinds.includes(String(entry.type))) throw new Error(`entry ${i} of the ABI has no known type`);
    if (["function", "event", "error"].includes(String(entry.type)) && (typeof entry.name !== "string" || !Array.isArray(entry.inputs))) throw new Error(`entry ${i} of the ABI has no name or no inputs`);
  });
  return list as Abi;
}

export function storeAbi(address: string, abi: Abi | undefined): void {
  if (abi) localStorage.setItem(storeKey + address.toLowerCase(), JSON.stringify(abi));
  else localStorage.removeItem(storeKey + address.toLowerCase());
}

/** abiOf is what is known of an address: the user's, or a system contract's. */
export const abiOf = (address: string | null): Abi | undefined => (address ? (storedAbi(address) ?? system[address.toLowerCase()]?.abi) : undefined);

/** Argument is one decoded value with its name and type. */
export interface Argument {
  name: string;
  type: string;
  value: unknown;
}

export interface Decoded {
  name: string;
  args: Argument[];
  by: "abi" | "standard";
}

function named(inputs: readonly AbiParameter[], args: unknown): Argument[] {
  return inputs.map((p, i) => ({ name: p.name || String(i), type: p.type, value: Array.isArray(args) ? (args as unknown[])[i] : (args as Record<string, unknown> | undefined)?.[p.name ?? ""] }));
}

/** decodeInput tells which function a call names, and with what. */
export function decodeInput(to: string | null, input: string): Decoded | undefined {
  if (input.length < 10) return undefined;
  for (const [abi, by] of [[abiOf(to), "abi"], [standards, "standard"]] as const) {
    if (!abi) continue;
    try {
      const { functionName, args } = decodeFunctionData({ abi, data: input as `0x${string}` });
      const fn = (abi as Abi).find((x): x is AbiFunction => x.type === "function" && x.name === functionName && toFunctionSelector(x) === input.slice(0, 10));
      if (fn) return { name: functionName, args: named(fn.inputs, args), by };
    } catch {
      // Another ABI may know it.
    }
  }
  return undefined;
}

/** decodeLog tells which event a log is. */
export function decodeLog(log: { address: string; topics: string[]; data: string }): Decoded | undefined {
  const common = log.topics.length === 4 ? unique : fungible;
  for (const [abi, by] of [[abiOf(log.address), "abi"], [common, "standard"], [standards, "standard"]] as const) {
    if (!abi) continue;
    try {
      const { eventName, args } = decodeEventLog({ abi, topics: log.topics as never, data: log.data as `0x${string}`, strict: true }) as { eventName?: string; args: unknown };
      const event = (abi as Abi).find((x): x is AbiEvent => x.type === "event" && x.name === eventName && toEventSelector(x) === log.topics[0]);
      if (event) return { name: eventName!, args: named(event.inputs, args), by };
    } catch {
      // Another ABI may know it.
    }
  }
  return undefined;
}

const failures = parseAbi(["error Error(string reason)", "error Panic(uint256 code)"]);

/** decodeFailure reads the reason of a revert. */
export function decodeFailure(to: string | null, output: string): string | undefined {
  if (output.length < 10) return undefined;
  for (const abi of [failures as Abi, abiOf(to)]) {
    if (!abi) continue;
    try {
      const { errorName, args } = decodeErrorResult({ abi, data: output as `0x${string}` }) as { errorName: string; args?: readonly unknown[] };
      return errorName === "Error" ? String(args?.[0]) : `${errorName}(${(args ?? []).map(plain).join(", ")})`;
    } catch {
      // Another ABI may know it.
    }
  }
  return undefined;
}

/** plain writes a decoded value exactly. */
export function plain(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return `[${value.map(plain).join(", ")}]`;
  if (value && typeof value === "object") return `{${Object.entries(value).map(([k, v]) => `${k}: ${plain(v)}`).join(", ")}}`;
  return String(value);
}

export { decodeString };
