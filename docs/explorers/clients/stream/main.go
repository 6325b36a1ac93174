// Command stream follows the final blocks of a node by GET /v1/stream, up to a number
// of them, and connects again where it was when the connection breaks.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	url, last := os.Args[1], "" // last: keep it where you keep the blocks
	count, _ := strconv.Atoi(os.Args[2])
	for ; ; time.Sleep(time.Second) {
		r, _ := http.NewRequest("GET", url+"/v1/stream?from=0&include=receipts", nil)
		r.Header.Set("Last-Event-ID", last)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			continue
		}
		in, id := bufio.NewReader(resp.Body), ""
		for line, err := in.ReadString('\n'); err == nil; line, err = in.ReadString('\n') {
			if text, ok := strings.CutPrefix(line, "id: "); ok {
				id = strings.TrimSpace(text)
			} else if text, ok := strings.CutPrefix(line, "data: "); ok && id != last {
				var block struct{ Number, Hash string }
				if json.Unmarshal([]byte(text), &block) != nil {
					break
				}
				fmt.Println(block.Number, block.Hash)
				last = id
				if count--; count == 0 {
					return
				}
			}
		}
		resp.Body.Close()
	}
}
