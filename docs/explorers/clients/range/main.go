// Command range reads all final blocks of a node by GET /v1/blocks.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
)

func main() {
	url, next := os.Args[1], "0x0"
	for {
		resp, err := http.Get(url + "/v1/blocks?limit=100&include=transactions,receipts&from=" + next)
		if err != nil || resp.StatusCode != http.StatusOK {
			log.Fatal(err, resp)
		}
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 256<<20)
		begun := next
		for done := false; !done; { // an answer without its last line was cut off
			var line struct{ Number, Hash, Next string }
			if !lines.Scan() || json.Unmarshal(lines.Bytes(), &line) != nil {
				log.Fatal("the answer was cut off: ask again from ", next)
			}
			if done = line.Next != ""; done {
				next = line.Next
			} else {
				fmt.Println(line.Number, line.Hash)
			}
		}
		resp.Body.Close()
		if next == begun {
			return // the head: go on with GET /v1/stream
		}
	}
}
