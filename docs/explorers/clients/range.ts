// Reads all final blocks of a node by GET /v1/blocks. Node 20 or a browser.
interface Block { number: string; hash: string; next?: undefined }
interface Last { next: string }

async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = '';
  const text = new TextDecoder();
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    const parts = (rest + text.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop()!;
    yield* parts;
  }
}

const url: string = process.argv[2];
for (let next = '0x0', begun = ''; next !== begun; ) {
  begun = next;
  const answer = await fetch(`${url}/v1/blocks?limit=100&include=transactions,receipts&from=${next}`);
  if (!answer.ok) throw new Error(await answer.text());
  let whole = false; // an answer without its last line was cut off
  for await (const line of lines(answer.body!)) {
    const block = JSON.parse(line) as Block | Last;
    if (block.next !== undefined) {
      next = block.next;
      whole = true;
    } else console.log(block.number, block.hash);
  }
  if (!whole) throw new Error(`the answer was cut off: ask again from ${begun}`);
} // the head: go on with GET /v1/stream
