import { token } from "./rpc";

// A WebSocket with one subscription, for what no stream over HTTP has: the messages of
// the protocol.

export type SocketState = "connecting" | "open" | "closed" | "refused";

const pause = 2000; // ms before it is tried again

/**
 * protocols show the token, if there is one, in the only header of a WebSocket that a page
 * can set: the node takes it from there and answers with the first. An address would be
 * written into logs and histories. A JWT is base64url and dots, which may stand there;
 * another text is none, and the browser would not even try.
 */
export const protocols = (of: string): string[] => (/^[A-Za-z0-9_.-]+$/.test(of) ? ["quorate", "bearer." + of] : []);

/** subscribe asks for one subscription until the signal ends it. */
export function subscribe<T>(method: string, params: unknown[], o: { seen: (v: T) => void; state: (s: SocketState, why?: string) => void; signal: AbortSignal }): void {
  if (o.signal.aborted) return;
  o.state("connecting");
  const url = new URL("/", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url, protocols(token.peek()));
  const stop = () => socket.close();
  o.signal.addEventListener("abort", stop, { once: true });
  let refused = false;
  socket.onopen = () => socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }));
  socket.onmessage = (event) => {
    const m = JSON.parse(String(event.data)) as { id?: number; error?: { message: string }; params?: { result: T & { error?: unknown } } };
    if (m.error) {
      refused = true;
      o.state("refused", m.error.message);
    } else if (m.id === 1) o.state("open");
    else if (m.params && !m.params.result.error) o.seen(m.params.result);
  };
  socket.onclose = () => {
    o.signal.removeEventListener("abort", stop);
    if (o.signal.aborted || refused) return;
    o.state("closed");
    setTimeout(() => subscribe(method, params, o), pause);
  };
}
