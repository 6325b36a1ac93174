import { signal } from "@preact/signals";

// JSON-RPC to the node that served this page. Calls made in the same moment travel as
// one batch.

/** RpcError is what the node answered, or why it did not. */
export class RpcError extends Error {
  constructor(readonly code: number, message: string, readonly data?: unknown) {
    super(message);
  }
}

export const rpcUrl = "/";
const maxBatch = 100; // calls; the node takes 1,000, but smaller answers show sooner
const unreachable = -1;
const patience = 120_000; // ms for one answer: longer than any limit of the node, so that a hung connection ends

/** online is whether the last request reached the node. */
export const online = signal(true);

const tokenKey = "quorate.token";

/** token is what opens a node that asks who calls; it is forgotten with the tab. */
export const token = signal(sessionStorage.getItem(tokenKey) ?? "");
token.subscribe((t) => (t ? sessionStorage.setItem(tokenKey, t) : sessionStorage.removeItem(tokenKey)));

/** denied is set while the node refuses all calls for want of a token that it takes. */
export const denied = signal(false);

/** limited is set once the node has refused a method to this caller: with a token there may be more. */
export const limited = signal(false);
const unauthorized = -40100;

export const authorization = (): Record<string, string> => (token.value ? { Authorization: `Bearer ${token.value}` } : {});

interface Pending {
  method: string;
  params: unknown[];
  resolve: (value: never) => void;
  reject: (error: RpcError) => void;
}

let queue: Pending[] = [];

/** call asks for one method. */
export function call<T>(method: string, ...params: unknown[]): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (queue.length === 0) queueMicrotask(flush);
    queue.push({ method, params, resolve: resolve as (v: never) => void, reject });
  });
}

/** lost reports whether an error says nothing but that no answer came. */
export const lost = (error: unknown): boolean => error instanceof RpcError && error.code === unreachable;

/** maybe is call, with undefined where the node refuses or does not know the method. */
export const maybe = <T>(method: string, ...params: unknown[]): Promise<T | undefined> => call<T>(method, ...params).catch(() => undefined);

function flush(): void {
  const all = queue;
  queue = [];
  for (let i = 0; i < all.length; i += maxBatch) void send(all.slice(i, i + maxBatch));
}

interface Answer {
  id: number | null;
  result?: unknown;
  error?: { code: number; message: string; data?: unknown };
}

async function send(batch: Pending[]): Promise<void> {
  const body = JSON.stringify(batch.map((p, id) => ({ jsonrpc: "2.0", id, method: p.method, params: p.params })));
  try {
    const response = await fetch(rpcUrl, { method: "POST", body, headers: { "Content-Type": "application/json", ...authorization() }, signal: AbortSignal.timeout(patience) });
    denied.value = response.status === 401;
    const answers = (await response.json()) as Answer | Answer[];
    online.value = true;
    settle(batch, answers);
  } catch (e) {
    if (!(e instanceof SyntaxError)) online.value = false;
    const error = new RpcError(unreachable, e instanceof Error ? e.message : String(e));
    for (const p of batch) p.reject(error);
  }
}

function settle(batch: Pending[], answers: Answer | Answer[]): void {
  const list = Array.isArray(answers) ? answers : batch.map((_, id) => ({ ...answers, id }));
  const byId = new Map(list.map((a) => [a.id, a]));
  batch.forEach((p, id) => {
    const a = byId.get(id);
    if (!a) p.reject(new RpcError(unreachable, "no answer to this call"));
    else if (a.error) {
      if (a.error.code === unauthorized) limited.value = true;
      p.reject(new RpcError(a.error.code, a.error.message, a.error.data));
    } else p.resolve((a.result ?? null) as never);
  });
}
