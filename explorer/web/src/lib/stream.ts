import { authorization } from "./rpc";

// The one stream that keeps every page live: GET /v1/stream, server-sent events whose id
// is the block number. It is read with fetch, because EventSource can show no token.

/** Message is one event. */
export interface Message {
  id: string;
  event: string;
  data: string;
}

/** Parser cuts a text that comes in pieces into events. */
export class Parser {
  private rest = "";
  private fields: Message = { id: "", event: "", data: "" };

  push(piece: string): Message[] {
    const lines = (this.rest + piece).split(/\r\n|\n/);
    this.rest = lines.pop()!;
    const out: Message[] = [];
    for (const line of lines) {
      if (line === "") {
        if (this.fields.data) out.push({ ...this.fields, data: this.fields.data.slice(0, -1) });
        this.fields = { id: this.fields.id, event: "", data: "" };
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) continue; // a comment keeps the connection alive
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "data") this.fields.data += value + "\n";
      else if (name === "id") this.fields.id = value;
      else if (name === "event") this.fields.event = value;
    }
    return out;
  }
}

/** Outcome is how a connection ended: the door is not there, or anything else. */
export type Outcome = "absent" | "ended";

/** Options of follow. */
export interface Options {
  from: () => string; // where to begin: a number, or "latest"
  last: () => string | undefined; // id of the last event that was seen
  include: string;
  seen: (m: Message) => void;
  live: (on: boolean) => void;
  signal: AbortSignal;
}

const firstPause = 500; // ms before a connection is tried again; doubles
const longestPause = 8000;

/** follow reads the stream until the signal ends it, and connects again where it broke. */
export async function follow(o: Options): Promise<Outcome> {
  for (let pause = firstPause; !o.signal.aborted; pause = Math.min(2 * pause, longestPause)) {
    const began = Date.now();
    try {
      const outcome = await connection(o);
      if (outcome === "absent") return outcome;
    } catch {
      // The node is gone, or the network: try again below.
    }
    o.live(false);
    if (Date.now() - began > longestPause) pause = firstPause;
    await new Promise((wake) => setTimeout(wake, pause));
  }
  return "ended";
}

async function connection(o: Options): Promise<Outcome> {
  const last = o.last();
  const url = "/v1/stream?" + new URLSearchParams({ from: last === undefined ? o.from() : String(BigInt(last) + 1n), ...(o.include ? { include: o.include } : {}) }).toString();
  const response = await fetch(url, { headers: { Accept: "text/event-stream", ...authorization() }, cache: "no-store", signal: o.signal });
  if (response.status === 429 || response.status >= 500) return "ended"; // busy, or away behind a proxy: the door is there
  if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) return "absent";
  if (!response.body) return "ended";
  o.live(true);
  const parser = new Parser(), reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return "ended";
    for (const m of parser.push(value)) o.seen(m);
  }
}
