// What the tests of the Hardhat project share.
import { ethers } from "ethers";
import hre from "hardhat";

export const network = JSON.parse(process.env.CLIENTS_NETWORK);

// node is another node than the one that Hardhat talks to.
export const node = (i) => new ethers.JsonRpcProvider(network.rpc[i], network.chainId, { staticNetwork: true, cacheTimeout: -1, pollingInterval: 25 });

// final waits until another node has the transaction, too.
export const final = (provider, receipt) => provider.waitForTransaction(receipt.hash, 1, 30_000);

// done returns a transaction that is final. The matcher for events looks for the
// receipt at once, which is there only where each transaction is mined as it comes.
export async function done(sending) {
  const tx = await sending;
  await tx.wait();
  return tx;
}

// deploy returns a contract that is there: before, gas is estimated as for a
// call to nobody.
export async function deploy(name, args = []) {
  const contract = await hre.ethers.deployContract(name, args);
  return contract.waitForDeployment();
}
