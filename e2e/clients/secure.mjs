// ethers 6 against a node with TLS and tokens: { rpc: [url], token, keys } as the
// first argument; NODE_EXTRA_CA_CERTS names the CA.
import { ethers } from "ethers";
import { assert, check, fails, finish, network, sent } from "./harness.mjs";

const provider = (token) => {
  const request = new ethers.FetchRequest(network.rpc[0]);
  if (token) request.setHeader("Authorization", `Bearer ${token}`);
  const p = new ethers.JsonRpcProvider(request, 1337, { cacheTimeout: -1, staticNetwork: true });
  p.pollingInterval = 25;
  return p;
};
const known = provider(network.token);

await check("transfer with a token", async () => {
  const to = ethers.Wallet.createRandom().address;
  const tx = await new ethers.Wallet(network.keys[0], known).sendTransaction({ to, value: 7n });
  sent(tx.hash);
  assert.equal((await tx.wait()).status, 1);
  assert.equal(await known.getBalance(to), 7n);
});

await check("a method that is not granted", async () => {
  const e = await fails(known.send("debug_traceTransaction", [ethers.ZeroHash]));
  assert.match(JSON.stringify(e.error ?? e.message), /-40100.*not granted to token wallet/);
});

await check("two calls in a batch, one of them refused", async () => {
  const [block, trace] = await Promise.allSettled([known.getBlockNumber(), known.send("debug_getRawBlock", ["latest"])]);
  assert.equal(block.status, "fulfilled");
  assert.equal(trace.status, "rejected");
});

await check("no token", async () => {
  const e = await fails(provider().send("eth_blockNumber", []));
  assert.match(`${e.message} ${e.info?.responseStatus}`, /401/);
});

finish();
