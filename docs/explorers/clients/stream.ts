// Follows the final blocks of a node by GET /v1/stream, up to a number of them, and
// connects again where it was when the connection breaks. In a browser, EventSource
// does the same in three lines.
interface Block { number: string; hash: string }

const url: string = process.argv[2];
let count = Number(process.argv[3]);
let last = ''; // keep it where you keep the blocks

async function follow(): Promise<void> {
  const headers: Record<string, string> = last ? { 'Last-Event-ID': last } : {};
  const stop = new AbortController();
  const answer = await fetch(`${url}/v1/stream?from=0&include=receipts`, { headers, signal: stop.signal });
  const text = new TextDecoder();
  let rest = '', id = '';
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    const parts = (rest + text.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop()!;
    for (const line of parts) {
      if (line.startsWith('id: ')) id = line.slice(4);
      if (!line.startsWith('data: ') || count === 0) continue;
      const block = JSON.parse(line.slice(6)) as Block;
      console.log(block.number, block.hash);
      last = id;
      if (--count === 0) return stop.abort();
    }
  }
}

while (count > 0) {
  await follow().catch(() => new Promise((again) => setTimeout(again, count > 0 ? 1000 : 0)));
}
