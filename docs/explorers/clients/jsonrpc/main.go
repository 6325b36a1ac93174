// Command jsonrpc reads all final blocks of a node by JSON-RPC: the door of every
// Ethereum node.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"
)

func main() {
	client, err := rpc.Dial(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	var head hexutil.Uint64
	if err := client.Call(&head, "eth_blockNumber"); err != nil {
		log.Fatal(err)
	}
	for next := hexutil.Uint64(0); next <= head; next++ {
		var block struct{ Number, Hash string }
		var receipts []any
		batch := []rpc.BatchElem{
			{Method: "eth_getBlockByNumber", Args: []any{next, true}, Result: &block},
			{Method: "eth_getBlockReceipts", Args: []any{next}, Result: &receipts},
		}
		if err := client.BatchCallContext(context.Background(), batch); err != nil || batch[0].Error != nil || batch[1].Error != nil {
			log.Fatal(err, batch)
		}
		fmt.Println(block.Number, block.Hash)
	}
}
