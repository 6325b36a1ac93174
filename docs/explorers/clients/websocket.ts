// Follows the final blocks of a node by pbft_subscribe("blocks"), up to a number of
// them. WebSocket is there in browsers and from Node 22 on; before, package ws has it.
interface Block { number: string; hash: string }
interface Message { method?: string; error?: { message: string }; params?: { result: Block } }

const WebSocket: typeof globalThis.WebSocket = globalThis.WebSocket ?? (await import('ws' as string)).WebSocket;
const url: string = process.argv[2].replace('http', 'ws');
let count = Number(process.argv[3]);
let next = 0; // keep it where you keep the blocks, to go on there

const socket = new WebSocket(url);
socket.onopen = () => {
  const query = { from: '0x' + next.toString(16), include: ['receipts'] };
  socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'pbft_subscribe', params: ['blocks', query] }));
};
socket.onmessage = (event: { data: unknown }) => {
  const message = JSON.parse(String(event.data)) as Message;
  if (message.error) throw new Error(message.error.message);
  if (message.method !== 'pbft_subscription' || count === 0) return;
  const block = message.params!.result;
  console.log(block.number, block.hash);
  next = Number(block.number) + 1;
  if (--count === 0) socket.close();
};
