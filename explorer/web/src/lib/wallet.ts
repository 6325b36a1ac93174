import { signal } from "@preact/signals";

// Wallets announce themselves (EIP-6963); nothing is injected or asked for before the
// user chooses one.

export interface Wallet {
  info: { uuid: string; name: string; rdns: string };
  provider: { request(a: { method: string; params?: unknown[] }): Promise<unknown> };
}

export const wallets = signal<Wallet[]>([]);

addEventListener("eip6963:announceProvider", (event) => {
  const w = (event as CustomEvent<Wallet>).detail;
  if (!wallets.value.some((x) => x.info.uuid === w.info.uuid)) wallets.value = [...wallets.value, w];
});

/** discover asks wallets to announce themselves. */
export const discover = (): void => void dispatchEvent(new Event("eip6963:requestProvider"));

/** submit lets a wallet sign and send a call, on this network and no other. */
export async function submit(w: Wallet, chainId: bigint, to: string, data: string, value: bigint): Promise<string> {
  const [from] = (await w.provider.request({ method: "eth_requestAccounts" })) as string[];
  if (!from) throw new Error("the wallet names no account");
  const on = BigInt((await w.provider.request({ method: "eth_chainId" })) as string);
  if (on !== chainId) throw new Error(`the wallet is on chain ${on}, this node on chain ${chainId}: change the network in the wallet`);
  return (await w.provider.request({ method: "eth_sendTransaction", params: [{ from, to, data, value: "0x" + value.toString(16) }] })) as string;
}
