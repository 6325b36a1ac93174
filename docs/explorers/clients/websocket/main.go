// Command websocket follows the final blocks of a node by pbft_subscribe("blocks"), up
// to a number of them.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"
)

type block struct {
	Number hexutil.Uint64
	Hash   string
}

func main() {
	next := hexutil.Uint64(0) // keep it where you keep the blocks, to go on there
	count, _ := strconv.Atoi(os.Args[2])
	client, err := rpc.Dial("ws" + strings.TrimPrefix(os.Args[1], "http"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	blocks := make(chan block)
	sub, err := client.Subscribe(context.Background(), "pbft", blocks, "blocks", map[string]any{"from": next, "include": []string{"receipts"}})
	if err != nil {
		log.Fatal(err)
	}
	for ; count > 0; count-- {
		select {
		case b := <-blocks:
			fmt.Println(b.Number, b.Hash)
			next = b.Number + 1
		case err := <-sub.Err():
			log.Fatal("connect again from ", next, ": ", err)
		}
	}
}
