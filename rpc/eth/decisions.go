package eth

import (
	"slices"

	"github.com/quorate/quorate/rpc"
)

// noKeys is why nothing is signed here.
const noKeys = "the node keeps no keys of users: sign in the client"

// Decisions returns what was decided about every eth_ method of go-ethereum
// 1.17.10 and of the execution API, in the order of the names.
func Decisions() []rpc.Decision { return slices.Clone(decisions) }

var decisions = []rpc.Decision{
	rpc.Served("accounts", "empty: "+noKeys),
	rpc.Served("baseFee", "constant: the network's minimum price"),
	rpc.Served("blobBaseFee", "the minimum of EIP-4844: blob transactions are refused"),
	rpc.Served("blockNumber", ""),
	rpc.Served("call", ""),
	rpc.Served("capabilities", ""),
	rpc.Served("chainId", ""),
	rpc.Refused("coinbase", "dropped by go-ethereum; the beneficiary stands in each block"),
	rpc.Served("config", ""),
	rpc.Served("createAccessList", ""),
	rpc.Served("estimateGas", ""),
	rpc.Served("feeHistory", ""),
	rpc.Served("fillTransaction", ""),
	rpc.Served("gasPrice", "the network's minimum price, by default 0"),
	rpc.Served("getAccountInfo", "not in go-ethereum: balance, nonce and code, as other clients answer"),
	rpc.Served("getBalance", ""),
	rpc.Refused("getBlockAccessList", "block access lists come with Amsterdam, whose rules do not hold here"),
	rpc.Served("getBlockByHash", ""),
	rpc.Served("getBlockByNumber", ""),
	rpc.Served("getBlockReceipts", ""),
	rpc.Served("getBlockTransactionCountByHash", ""),
	rpc.Served("getBlockTransactionCountByNumber", ""),
	rpc.Served("getCode", ""),
	rpc.Served("getFilterChanges", ""),
	rpc.Served("getFilterLogs", ""),
	rpc.Served("getHeaderByHash", ""),
	rpc.Served("getHeaderByNumber", ""),
	rpc.Served("getLogs", "by an index of addresses and topics"),
	rpc.Served("getProof", "at old blocks only with proofs = \"archive\""),
	rpc.Served("getRawTransactionByBlockHashAndIndex", ""),
	rpc.Served("getRawTransactionByBlockNumberAndIndex", ""),
	rpc.Served("getRawTransactionByHash", ""),
	rpc.Served("getStorageAt", ""),
	rpc.Served("getStorageValues", ""),
	rpc.Served("getTransactionByBlockHashAndIndex", ""),
	rpc.Served("getTransactionByBlockNumberAndIndex", ""),
	rpc.Served("getTransactionByHash", ""),
	rpc.Served("getTransactionCount", ""),
	rpc.Served("getTransactionReceipt", ""),
	rpc.Served("getUncleByBlockHashAndIndex", "null: there are no uncles"),
	rpc.Served("getUncleByBlockNumberAndIndex", "null: there are no uncles"),
	rpc.Served("getUncleCountByBlockHash", "0: there are no uncles"),
	rpc.Served("getUncleCountByBlockNumber", "0: there are no uncles"),
	rpc.Refused("getWork", "there is no mining"),
	rpc.Refused("hashrate", "there is no mining"),
	rpc.Served("maxPriorityFeePerGas", "0: nobody has to outbid"),
	rpc.Refused("mining", "there is no mining"),
	rpc.Served("newBlockFilter", ""),
	rpc.Served("newFilter", ""),
	rpc.Served("newPendingTransactionFilter", ""),
	rpc.Served("pendingTransactions", "empty: it asks for those of the node's own accounts; txpool_content has all"),
	rpc.Refused("protocolVersion", "dropped by go-ethereum; the peers speak no Ethereum protocol here"),
	rpc.Refused("resend", noKeys),
	rpc.Served("sendRawTransaction", ""),
	rpc.Served("sendRawTransactionSync", "the receipt is final"),
	rpc.Refused("sendTransaction", noKeys),
	rpc.Refused("sign", noKeys),
	rpc.Refused("signTransaction", noKeys),
	rpc.Served("simulateV1", ""),
	rpc.Refused("submitWork", "there is no mining"),
	rpc.Served(`subscribe("logs")`, "never removed: true"),
	rpc.Served(`subscribe("newHeads")`, "every block once: there are no reorganisations"),
	rpc.Served(`subscribe("newPendingTransactions")`, ""),
	rpc.Served(`subscribe("syncing")`, ""),
	rpc.Served(`subscribe("transactionReceipts")`, ""),
	rpc.Served("syncing", ""),
	rpc.Served("uninstallFilter", ""),
}
