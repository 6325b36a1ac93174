package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/spf13/cobra"

	"github.com/quorate/quorate/consensus/light"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/recovery"
)

// verified is what a valid proof has shown.
type verified struct {
	Valid           bool             `json:"valid"`
	TransactionHash common.Hash      `json:"transactionHash"`
	From            common.Address   `json:"from"`
	Status          string           `json:"status"` // success or reverted
	BlockNumber     uint64           `json:"blockNumber"`
	BlockHash       common.Hash      `json:"blockHash"`
	Time            uint64           `json:"time"` // of the block, Unix seconds
	Epoch           uint64           `json:"epoch"`
	Genesis         common.Hash      `json:"genesis"`
	Signers         []common.Address `json:"signers"`
	Names           []string         `json:"names"` // of the signers, as genesis has them
	Quorum          int              `json:"quorum"`
	Validators      int              `json:"validators"`
}

func (a *app) verifyCmd() *cobra.Command {
	var file, checkpoint string
	var recoveries []string
	c := &cobra.Command{
		Use:   "verify PROOF",
		Short: "Check a finality proof with nothing but the genesis",
		Long: `Checks what pbft_finalityProof answered: that a quorum of the validators signed
the block, and that the transaction and its receipt are in it. It asks no node.
PROOF is a file, or - for standard input.

Validators that a recovery of the network has replaced may have lost their keys to
somebody, who can sign false blocks with them. Who knows of the recovery names its
file: the proof must agree with it. In the same way keys of validators that have simply
left may be lost: --checkpoint names a later block that the proof must agree with.`,
		Example: `  quorate verify proof.json --genesis genesis.json
  quorate verify - --genesis genesis.json --json < proof.json
  quorate verify proof.json --genesis genesis.json --recovery recovery.json
  quorate verify proof.json --genesis genesis.json --checkpoint 6400:0x…:0x…`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := required(c, "genesis"); err != nil {
				return err
			}
			v, err := verifyProof(c.InOrStdin(), args[0], file, checkpoint, recoveries)
			if err != nil {
				return err
			}
			return a.print(c, v, v.lines()...)
		},
	}
	c.Flags().StringVar(&checkpoint, "checkpoint", "", "NUMBER:BLOCK:SET of a block that you are sure of ('quorate network checkpoint'): nothing before it is shown, and no other validators after it are believed")
	c.Flags().StringSliceVar(&recoveries, "recovery", nil, "recovery of the network that took place, from a source that you trust; once for each")
	c.Flags().StringVar(&file, "genesis", "", "genesis document of the network, from a source that you trust")
	return c
}

// verifyProof reads both documents and checks the proof.
func verifyProof(stdin io.Reader, proofFile, genesisFile, checkpoint string, recoveries []string) (*verified, error) {
	g, err := genesis.Load(genesisFile)
	if err != nil {
		return nil, err
	}
	trust := light.Begin(g)
	if checkpoint != "" {
		if trust.Checkpoint, err = light.ParseCheckpoint(checkpoint); err != nil {
			return nil, withCode(exitUsage, fmt.Errorf("--checkpoint: %w", err))
		}
	}
	data, err := readProof(stdin, proofFile)
	if err != nil {
		return nil, err
	}
	p, err := light.ParseProof(data)
	if err != nil {
		return nil, withCode(exitInvalid, fmt.Errorf("%s: %w", proofFile, err))
	}
	known, err := recovered(g, recoveries)
	if err != nil {
		return nil, err
	}
	f, err := p.Verify(trust, known...)
	if err != nil {
		return nil, withCode(exitInvalid, fmt.Errorf("%s does not hold: %w", proofFile, err))
	}
	return tellOf(g, f)
}

// recovered reads the recoveries that a proof must agree with.
func recovered(g *genesis.Genesis, files []string) (out []light.Trust, err error) {
	for _, file := range files {
		d, err := recovery.Load(file)
		if err != nil {
			return nil, err
		}
		t, err := light.Recovered(g, d)
		if err != nil {
			return nil, withCode(exitInvalid, fmt.Errorf("%s: %w", file, err))
		}
		out = append(out, t)
	}
	return out, nil
}

// readProof reads a file, or standard input for "-", up to what a proof may have.
func readProof(stdin io.Reader, file string) ([]byte, error) {
	in := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	return io.ReadAll(io.LimitReader(in, light.MaxProofBytes+1))
}

func tellOf(g *genesis.Genesis, f *light.Final) (*verified, error) {
	from, err := types.Sender(types.LatestSigner(g.ChainConfig()), f.Transaction)
	if err != nil {
		return nil, withCode(exitInvalid, fmt.Errorf("the transaction's signature: %w", err))
	}
	v := &verified{
		Valid: true, TransactionHash: f.Transaction.Hash(), From: from, Status: "reverted",
		BlockNumber: f.Header.Number.Uint64(), BlockHash: f.BlockHash, Time: f.Header.Time, Epoch: uint64(f.Epoch), Genesis: g.Hash(),
		Signers: f.Signers, Quorum: f.Set.Quorum(), Validators: f.Set.Len(),
	}
	if f.Receipt.Status == types.ReceiptStatusSuccessful {
		v.Status = "success"
	}
	names := map[common.Address]string{}
	for _, m := range g.Validators {
		names[m.Address] = m.Name
	}
	for _, s := range f.Signers {
		name := names[s]
		if name == "" {
			name = s.Hex()
		}
		v.Names = append(v.Names, name)
	}
	return v, nil
}

func (v *verified) lines() []string {
	return []string{
		fmt.Sprintf("transaction %s is final", v.TransactionHash),
		fmt.Sprintf("  from      %s", v.From),
		fmt.Sprintf("  result    %s", v.Status),
		fmt.Sprintf("  block     %d, %s, %s", v.BlockNumber, v.BlockHash, time.Unix(int64(v.Time), 0).UTC().Format(time.RFC3339)),
		fmt.Sprintf("  signed by %d of %d validators (%d are needed): %s", len(v.Signers), v.Validators, v.Quorum, strings.Join(v.Names, ", ")),
		fmt.Sprintf("  genesis   %s", v.Genesis),
	}
}
