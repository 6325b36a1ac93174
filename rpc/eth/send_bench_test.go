package eth_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/rpc/ethjson"
)

// cpu returns the processor time of this process.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSendToPool submits batches of 200 transfers of 100 accounts to the
// node's own pool over the whole HTTP stack, as the load generator does. The
// recovery of 200 senders is in it; what the same recoveries take alone is
// measured beside it, and what is left is reported as beyond-cpu-ns/tx.
func BenchmarkSendToPool(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as in a node
	const size, batches = 200, 20
	var used, alone time.Duration
	sent := 0
	b.StopTimer()
	for i := 0; i < b.N; i += batches {
		c := newOurChain(b, 100)
		bodies := make([]string, min(batches, b.N-i))
		for k := range bodies {
			bodies[k] = transfers(b, c.net.Users, size)
		}
		before := cpu(b)
		b.StartTimer()
		for _, body := range bodies {
			if status, answer := c.send(b, body); status != 200 || bytes.Contains(answer, []byte("error")) {
				b.Fatalf("%d %.300s", status, answer)
			}
		}
		b.StopTimer()
		used += cpu(b) - before
		alone += recoveries(b, c, bodies)
		sent += size * len(bodies)
	}
	b.ReportMetric(float64((used-alone).Nanoseconds())/float64(sent), "beyond-cpu-ns/tx")
	b.ReportMetric(float64(used.Nanoseconds())/float64(sent), "cpu-ns/tx")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(sent), "ns/tx")
}

// transfers is a batch with the next transactions of users in turn.
func transfers(b *testing.B, users []*chaintest.User, n int) string {
	var out bytes.Buffer
	for i := range n {
		raw, err := users[i%len(users)].Transfer(poor, 1).MarshalBinary()
		if err != nil {
			b.Fatal(err)
		}
		fmt.Fprintf(&out, `,{"jsonrpc":"2.0","id":%d,"method":"eth_sendRawTransaction","params":["%s"]}`, i, hexutil.Encode(raw))
	}
	return "[" + out.String()[1:] + "]"
}

// recoveries is the processor time that the senders of batches take to recover.
func recoveries(b *testing.B, c *ourChain, bodies []string) time.Duration {
	var txs []*types.Transaction
	for _, body := range bodies {
		var calls []struct{ Params []hexutil.Bytes }
		if err := json.Unmarshal([]byte(body), &calls); err != nil {
			b.Fatal(err)
		}
		for _, call := range calls {
			tx := new(types.Transaction)
			if err := tx.UnmarshalBinary(call.Params[0]); err != nil {
				b.Fatal(err)
			}
			txs = append(txs, tx)
		}
	}
	before := cpu(b)
	ethjson.Senders(txs, c.Chain.Signer()) // on all processors, as the server does
	return cpu(b) - before
}
