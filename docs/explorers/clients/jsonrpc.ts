// Reads all final blocks of a node by JSON-RPC: the door of every Ethereum node.
interface Block { number: string; hash: string }
interface Answer { id: number; result: unknown; error?: { message: string } }

const url: string = process.argv[2];

async function call(...calls: [string, unknown[]][]): Promise<unknown[]> {
  const batch = calls.map(([method, params], id) => ({ jsonrpc: '2.0', id, method, params }));
  const answer = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(batch) });
  const answers = ((await answer.json()) as Answer[]).sort((a, b) => a.id - b.id);
  for (const a of answers) if (a.error) throw new Error(a.error.message);
  return answers.map((a) => a.result);
}

const head = Number((await call(['eth_blockNumber', []]))[0]);
for (let number = 0; number <= head; number++) {
  const [block] = (await call(
    ['eth_getBlockByNumber', ['0x' + number.toString(16), true]],
    ['eth_getBlockReceipts', ['0x' + number.toString(16)]],
  )) as [Block, unknown[]];
  console.log(block.number, block.hash);
}
