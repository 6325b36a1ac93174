// Contracts of @openzeppelin, and what their users do with them.
import chai from "chai";
import hre from "hardhat";
import { deploy, done, final, network, node } from "../network.mjs";

const { expect } = chai;
const { ethers } = hre;

const mined = (tx) => tx.wait();
let owner, other;

before(async () => {
  [owner, other] = await ethers.getSigners();
});

describe("ERC-20 with permit", () => {
  let coin;
  const supply = 1_000_000n;

  // permit is the holder's signature (EIP-712) for the other to spend.
  const permit = async (value, deadline) => {
    const [, name, version, chainId, verifyingContract] = await coin.eip712Domain();
    const nonce = await coin.nonces(owner.address);
    const fields = ["owner address", "spender address", "value uint256", "nonce uint256", "deadline uint256"];
    const types = { Permit: fields.map((f) => f.split(" ")).map(([name, type]) => ({ name, type })) };
    const wallet = new ethers.Wallet(network.keys[0]);
    const signature = await wallet.signTypedData({ name, version, chainId, verifyingContract }, types, { owner: owner.address, spender: other.address, value, nonce, deadline });
    return ethers.Signature.from(signature);
  };

  it("transfers", async () => {
    coin = await deploy("Coin", [supply]);
    await expect(coin.transfer(other.address, 10n)).to.changeTokenBalances(coin, [owner, other], [-10n, 10n]);
    await expect(coin.connect(other).transfer(owner.address, 11n)).to.be.revertedWithCustomError(coin, "ERC20InsufficientBalance").withArgs(other.address, 10n, 11n);
  });

  it("is spent by signature, once", async () => {
    const deadline = BigInt((await ethers.provider.getBlock("latest")).timestamp) + 3600n;
    const { v, r, s } = await permit(100n, deadline);
    const spender = coin.connect(other);
    await expect(done(spender.permit(owner.address, other.address, 100n, deadline, v, r, s))).to.emit(coin, "Approval").withArgs(owner.address, other.address, 100n);
    await mined(await spender.transferFrom(owner.address, other.address, 60n));
    expect(await coin.allowance(owner.address, other.address)).to.equal(40n);
    await expect(spender.permit(owner.address, other.address, 100n, deadline, v, r, s)).to.be.revertedWithCustomError(coin, "ERC2612InvalidSigner");
  });

  it("is not spent by an old signature", async () => {
    const { v, r, s } = await permit(5n, 1n);
    await expect(coin.permit(owner.address, other.address, 5n, 1n, v, r, s)).to.be.revertedWithCustomError(coin, "ERC2612ExpiredSignature").withArgs(1n);
  });

  it("shows every node the same balances, now and before", async () => {
    const receipt = await mined(await coin.transfer(other.address, 1n));
    const last = node(3);
    await final(last, receipt);
    const elsewhere = coin.connect(last);
    expect(await elsewhere.balanceOf(other.address)).to.equal(71n);
    expect(await elsewhere.balanceOf(other.address, { blockTag: receipt.blockNumber - 1 })).to.equal(70n);
    expect((await elsewhere.queryFilter("Transfer", 0)).map((e) => e.args.value)).to.deep.equal([supply, 10n, 60n, 1n]);
    last.destroy();
  });
});

describe("ERC-721 and AccessManager", () => {
  const CLERK = 7n;
  let registrar, deed;

  before(async () => {
    registrar = await deploy("Registrar", [owner.address]);
    deed = await deploy("Deed", [registrar]);
  });

  it("refuses who has no role, and lets who was granted it", async () => {
    const stranger = deed.connect(other);
    await expect(stranger.safeMint(other.address, 1n)).to.be.revertedWithCustomError(deed, "AccessManagedUnauthorized").withArgs(other.address);
    await mined(await registrar.setTargetFunctionRole(deed, [deed.interface.getFunction("safeMint").selector], CLERK));
    await expect(done(registrar.grantRole(CLERK, other.address, 0))).to.emit(registrar, "RoleGranted");
    await expect(done(stranger.safeMint(other.address, 1n))).to.emit(deed, "Transfer").withArgs(ethers.ZeroAddress, other.address, 1n);
    expect(await deed.ownerOf(1n)).to.equal(other.address);
  });

  it("refuses again when the role is revoked", async () => {
    await mined(await registrar.revokeRole(CLERK, other.address));
    await expect(deed.connect(other).safeMint(other.address, 2n)).to.be.revertedWithCustomError(deed, "AccessManagedUnauthorized");
    await expect(registrar.connect(other).grantRole(CLERK, other.address, 0)).to.be.revertedWithCustomError(registrar, "AccessManagerUnauthorizedAccount");
  });

  it("goes to a contract that takes deeds, and to no other", async () => {
    const keeper = await deploy("Keeper");
    const safe = "safeTransferFrom(address,address,uint256)";
    const holder = deed.connect(other);
    await expect(holder[safe](other.address, await deed.getAddress(), 1n)).to.be.revertedWithCustomError(deed, "ERC721InvalidReceiver");
    await expect(deed[safe](other.address, owner.address, 1n)).to.be.revertedWithCustomError(deed, "ERC721InsufficientApproval");
    await mined(await holder[safe](other.address, await keeper.getAddress(), 1n));
    expect(await deed.ownerOf(1n)).to.equal(await keeper.getAddress());
  });
});

describe("upgradeable proxy", () => {
  const SLOT = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"; // ERC-1967
  let counter, proxy;

  before(async () => {
    const code = await deploy("Counter");
    const data = code.interface.encodeFunctionData("initialize", [40n]);
    proxy = await deploy("CounterProxy", [code, data]);
    counter = await ethers.getContractAt("Counter", proxy);
  });

  it("counts, and is initialized once", async () => {
    await mined(await counter.step());
    expect(await counter.count()).to.equal(41n);
    expect(await counter.owner()).to.equal(owner.address);
    await expect(counter.initialize(1n)).to.be.revertedWithCustomError(counter, "InvalidInitialization");
  });

  it("keeps its storage when the code is replaced", async () => {
    const next = await deploy("FastCounter");
    const data = next.interface.encodeFunctionData("lengthen", [10n]);
    await expect(counter.connect(other).upgradeToAndCall(next, data)).to.be.revertedWithCustomError(counter, "NotTheOwner").withArgs(other.address);
    const before = await ethers.provider.getBlockNumber();
    const old = await ethers.provider.getStorage(proxy, SLOT);
    const receipt = await mined(await counter.upgradeToAndCall(next, data));
    expect(receipt.logs.map((l) => l.fragment.name)).to.include("Upgraded");
    expect(await counter.count()).to.equal(41n);
    await mined(await counter.step());
    expect(await counter.count()).to.equal(51n);
    expect(BigInt(await ethers.provider.getStorage(proxy, SLOT))).to.equal(BigInt(await next.getAddress()));
    expect(await ethers.provider.getStorage(proxy, SLOT, before)).to.equal(old);
  });
});
