package pbft_test

import (
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/quorate/quorate/consensus/pbft/pbfttest"
)

// TestScripts plays the transcripts that document the protocol. Run with
// -rewrite to record them anew, and read the difference.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var s pbfttest.Script
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var args []pbfttest.Arg
			for _, a := range d.CmdArgs {
				args = append(args, pbfttest.Arg{Key: a.Key, Vals: a.Vals})
			}
			out, err := s.Do(d.Cmd, args, d.Input)
			if err != nil {
				return "error: " + err.Error() + "\n"
			}
			if out == "" {
				return "ok\n"
			}
			return out
		})
	})
}
