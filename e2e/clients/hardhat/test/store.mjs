// Hardhat as an application's tests use it: plugins, fixtures, matchers.
import { anyValue } from "@nomicfoundation/hardhat-chai-matchers/withArgs.js";
import chai from "chai";
import { ethers as plain } from "ethers";
import hre from "hardhat";
import { deploy, done, final, network, node } from "../network.mjs";

const { expect } = chai;
const { ethers } = hre;

describe("store", () => {
  let owner, other, store, deployed;

  before(async () => {
    [owner, other] = await ethers.getSigners();
    store = await deploy("Store", [7]);
    deployed = await store.deploymentTransaction().wait();
  });

  it("is compiled by npm's compiler and deployed", async () => {
    const artifact = await hre.artifacts.readArtifact("Store");
    const code = await ethers.provider.getCode(store);
    expect(code.length).to.be.greaterThan(1000).and.at.most(artifact.deployedBytecode.length);
    expect(deployed.contractAddress).to.equal(await store.getAddress());
    expect(await store.owner()).to.equal(owner.address);
  });

  it("has the network's chain id", async () => {
    expect((await ethers.provider.getNetwork()).chainId).to.equal(BigInt(network.chainId));
    expect(BigInt(await hre.network.provider.send("eth_gasPrice"))).to.equal(0n);
  });

  it("moves money, as balances before and after the block say", async () => {
    const send = () => owner.sendTransaction({ to: other.address, value: 5n, gasPrice: 0n });
    await expect(send).to.changeEtherBalances([owner, other], [-5n, 5n]);
  });

  it("emits", async () => {
    await expect(done(store.store(42, "the answer"))).to.emit(store, "Stored").withArgs(owner.address, 42n, "the answer");
    await expect(done(store.connect(other).store(43, "noted"))).to.emit(store, "Stored").withArgs(anyValue, 43n, "noted");
  });

  it("reverts with a custom error", async () => {
    await expect(store.store(2_000_000, "no")).to.be.revertedWithCustomError(store, "TooLarge").withArgs(2_000_000n, 1_000_000n);
    await expect(store.connect(other).ownerOnly()).to.be.revertedWithCustomError(store, "NotOwner").withArgs(other.address, owner.address);
  });

  it("reverts with a reason, and panics", async () => {
    await expect(store.refuse()).to.be.revertedWith("refused: it always is");
    await expect(store.divide(1, 0)).to.be.revertedWithPanic(0x12);
  });

  it("reverts in a block", async () => {
    const tx = await store.store(2_000_000, "no", { gasLimit: 100_000 });
    await expect(tx.wait()).to.be.rejectedWith("transaction execution reverted");
    const receipt = await ethers.provider.getTransactionReceipt(tx.hash);
    expect(receipt.status).to.equal(0);
    expect(receipt.logs).to.be.empty;
  });

  it("is read on another node, now and before", async () => {
    const second = node(1);
    const receipt = await store.store(44, "last").then((tx) => tx.wait());
    await final(second, receipt);
    const elsewhere = store.connect(second);
    expect(await elsewhere.value()).to.equal(44n);
    expect(await elsewhere.value({ blockTag: deployed.blockNumber })).to.equal(7n);
    expect(await store.value({ blockTag: deployed.blockNumber })).to.equal(7n);
    expect(await ethers.provider.getCode(store, deployed.blockNumber - 1)).to.equal("0x");
    second.destroy();
  });

  it("has its events in the log", async () => {
    const all = await store.queryFilter("Stored", deployed.blockNumber);
    expect(all.map((e) => e.args.note)).to.deep.equal(["born", "the answer", "noted", "last"]);
    const others = await store.queryFilter(store.filters.Stored(other.address), deployed.blockNumber);
    expect(others.map((e) => e.args.value)).to.deep.equal([43n]);
  });

  it("is watched through a third node", async () => {
    const ws = new plain.WebSocketProvider(network.ws[2]);
    const heard = new Promise((resolve) => store.connect(ws).on("Stored", (by, value, note) => resolve([by, value, note])));
    // The subscription is asked for in the background: send until heard of.
    for (let waiting = true; waiting; ) {
      await store.store(45, "live").then((tx) => tx.wait());
      waiting = await Promise.race([heard.then(() => false), new Promise((r) => setTimeout(r, 200, true))]);
    }
    expect(await heard).to.deep.equal([owner.address, 45n, "live"]);
    await ws.destroy();
  });

  it("refuses a nonce that was used", async () => {
    await expect(owner.sendTransaction({ to: other.address, nonce: 0, gasLimit: 21_000n })).to.be.rejectedWith(/nonce too low/i);
  });
});
