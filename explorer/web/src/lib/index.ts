import { call } from "./rpc";

// The namespace index_: rows that the node derives from its blocks, where it is told to.

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface IndexedTransaction {
  hash: string;
  blockNumber: string;
  transactionIndex: string;
  timestamp: string;
  from: string;
  to: string | null;
  value: string;
  selector: string;
  nonce: string;
  gasUsed: string;
  status: string;
  contractAddress: string | null;
}

export interface Token {
  address: string;
  standard: "ERC20" | "ERC721" | "ERC1155";
  transfers: string;
  holders: string;
  firstBlock: string;
}

export interface Transfer {
  blockNumber: string;
  transactionHash: string;
  transactionIndex: string;
  logIndex: string;
  timestamp: string;
  token: string;
  standard: string;
  from: string;
  to: string;
  value: string;
  id: string | null;
}

export interface Holder {
  address: string;
  balance: string;
  id: string | null;
}

export interface Balance {
  token: string;
  standard: string;
  balance: string;
  id: string | null;
}

/** Day is what happened on one day of UTC. */
export interface Day {
  day: string; // as in 2026-11-26
  blocks: string;
  transactions: string;
  gasUsed: string;
  transfers: string;
  contracts: string;
}

/** daily is what happened on the days from one to another, both included, at most 366. Days without a block are left out. */
export const daily = (from: string, to: string) => call<Day[]>("index_daily", from, to);

/** Origin is who made a contract; one that destroyed itself in the same transaction is not there. */
export interface Origin {
  transactionHash: string;
  creator: string;
  blockNumber: string;
  destroyed: boolean;
}

/** Count is how many there are; if it is not exact there are more. */
export interface Count {
  count: string;
  exact: boolean;
}

const page = (cursor?: string | null) => ({ limit: 25, ...(cursor ? { cursor } : {}) });

export const transactionsOf = (address: string, cursor?: string | null, oldestFirst = false) => call<Page<IndexedTransaction>>("index_transactions", address, { ...page(cursor), ...(oldestFirst ? { oldestFirst } : {}) });
export const transactionCountOf = (address: string) => call<Count>("index_transactionCount", address);
export const creatorOf = (address: string) => call<Origin | null>("index_contractCreator", address);
export const tokens = (cursor?: string | null) => call<Page<Token>>("index_tokens", page(cursor));
export const token = (address: string) => call<Token | null>("index_token", address);
export const transfers = (filter: { token?: string; address?: string }, cursor?: string | null) => call<Page<Transfer>>("index_tokenTransfers", filter, page(cursor));
export const holders = (address: string, cursor?: string | null) => call<Page<Holder>>("index_tokenHolders", address, page(cursor));
export const balances = (address: string, cursor?: string | null) => call<Page<Balance>>("index_tokenBalances", address, page(cursor));
