// What the client scripts share. A script gets one argument, a JSON object
// { rpc: [url…], ws: [url…], keys: ["0x…"…], chainId }, prints one JSON line per
// check, {"check", "ms"}, and at the end {"transactions": [hash…]} for the test
// to compare on every node. The first failure ends it with exit code 1.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

export { assert };
export const network = JSON.parse(process.argv[2] ?? readFileSync(0, "utf8"));

const transactions = [];
export const sent = (hash) => (transactions.push(hash), hash);

export async function check(name, body) {
  const began = performance.now();
  try {
    await within(60_000, name, body());
  } catch (e) {
    console.error(`${name}: ${e.stack ?? e}`);
    await evidence();
    process.exit(1);
  }
  console.log(JSON.stringify({ check: name, ms: Math.round(performance.now() - began) }));
}

// evidence prints what each node says of the transaction that was sent last.
async function evidence() {
  for (const url of network.rpc) {
    for (const [method, ...params] of [["eth_blockNumber"], ["eth_getTransactionByHash", transactions.at(-1)], ["eth_getTransactionReceipt", transactions.at(-1)]]) {
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
      const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body }).then((r) => r.text(), String);
      console.error(`${url} ${method}: ${answer.slice(0, 160)}`);
    }
  }
}

export function finish() {
  console.log(JSON.stringify({ transactions }));
  process.exit(0);
}

// within fails a promise that takes longer than ms milliseconds.
export function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// fails returns the error of a promise that must not succeed.
export async function fails(promise) {
  let value;
  try {
    value = await promise;
  } catch (e) {
    return e;
  }
  assert.fail(`succeeds with ${value?.hash ?? value}`);
}

// codeOf is init code that deploys size bytes of zeroes: PUSH3 size, PUSH0, RETURN.
export const codeOf = (size) => "0x62" + size.toString(16).padStart(6, "0") + "5ff3";
export const CODE_LIMIT = 24_576;
