// OpenZeppelin's ERC-20 and ERC-721 are deployed and moved; what the index makes of it
// is the test's business. network.keys[0] deploys, keys[1] receives.
import { ethers } from "ethers";
import { compile } from "./compile.mjs";
import { check, finish, network, sent } from "./harness.mjs";

const provider = new ethers.JsonRpcProvider(network.rpc[0], undefined, { cacheTimeout: -1 });
provider.pollingInterval = 25;
const wallet = new ethers.Wallet(network.keys[0], provider);
const friend = new ethers.Wallet(network.keys[1], provider);
const mined = async (tx) => {
  sent(tx.hash);
  return tx.wait();
};
const deploy = async (name) => {
  const { abi, bytecode } = compile("solidity/Tokens.sol", name);
  const contract = await new ethers.ContractFactory(abi, bytecode, wallet).deploy();
  sent(contract.deploymentTransaction().hash);
  return contract.waitForDeployment();
};
const coin = await deploy("Coin");
const deed = await deploy("Deed");
const maker = await deploy("Maker");

await check("coins move", async () => {
  await mined(await coin.transfer(friend.address, 300n));
  await mined(await coin.connect(friend).transfer(wallet.address, 50n));
  await mined(await coin.transfer(wallet.address, 1n));
});
await check("deeds move", async () => {
  await mined(await deed.transferFrom(wallet.address, friend.address, 2n));
  await mined(await deed.burn(3n));
});
await check("a contract makes a contract", async () => {
  await mined(await maker.make());
});
await check("what is reverted is not made", async () => {
  const tx = await maker.fail({ gasLimit: 3_000_000n });
  sent(tx.hash);
  await tx.wait().then(() => Promise.reject(new Error("it succeeded")), () => {});
});
finish();
