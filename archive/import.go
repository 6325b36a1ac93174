package archive

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/rpc/pbft"
	"github.com/quorate/quorate/rpc/stream"
)

// Imported is what an import did.
type Imported struct {
	Blocks uint64 // new ones
	Known  uint64 // that were here already, and are the same
}

// Import reads a file of either form, and brings the chain forward by it: every
// certificate is verified, every block executed. What was here already is compared. An
// error names the block; what came before it stays, and the next Import goes on there.
func Import(ctx context.Context, r io.Reader, o stream.Objects, c *chain.Chain, p Progress) (done Imported, err error) {
	in := bufio.NewReaderSize(r, bufferBytes)
	first, err := in.Peek(1)
	if errors.Is(err, io.EOF) {
		return done, errors.New("the file is empty")
	}
	if err != nil {
		return done, err
	}
	i := &importer{ctx: ctx, objects: o, chain: c, tell: p}
	if first[0] == '{' {
		err = i.lines(in)
	} else {
		err = i.items(in)
	}
	return i.done, errors.Join(err, c.Flush())
}

type importer struct {
	ctx     context.Context //nolint:containedctx // of one call
	objects stream.Objects
	chain   *chain.Chain
	tell    Progress
	done    Imported
}

// items imports a file in RLP.
func (i *importer) items(r io.Reader) error {
	in, err := newItems(r)
	if err != nil {
		return err
	}
	if in.genesis != i.chain.Genesis() {
		return fmt.Errorf("the file holds blocks of the network with genesis %s, this node's has %s", in.genesis, i.chain.Genesis())
	}
	last := uint64(0)
	for {
		item, err := in.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var b *chain.SealedBlock
		if err == nil {
			b, err = item.decode()
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%s: the file ends in the middle of it: run the export again to complete it", i.after(last))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", i.after(last), err)
		}
		last = b.Header.Number.Uint64()
		if err := i.take(b); err != nil {
			return fmt.Errorf("block %d: %w", last, err)
		}
	}
}

// after names the block whose number cannot be read.
func (i *importer) after(last uint64) string {
	if last == 0 {
		return "the first block of the file"
	}
	return fmt.Sprintf("block %d", last+1)
}

// take brings the chain forward by one block, or compares it.
func (i *importer) take(b *chain.SealedBlock) error {
	if err := i.ctx.Err(); err != nil {
		return err
	}
	n := b.Header.Number.Uint64()
	head := i.chain.Head().Number.Uint64()
	v, err := i.chain.Verify(b)
	if err != nil {
		if n > head+1 {
			err = fmt.Errorf("the head is block %d: blocks are missing in between", head)
		}
		return err
	}
	if err := i.chain.ImportVerified(i.ctx, v); err != nil {
		return err
	}
	if n <= head {
		i.done.Known++
	} else {
		i.done.Blocks++
	}
	i.tell.tell(n)
	return nil
}

// lines imports a file of lines.
func (i *importer) lines(r io.Reader) error {
	in := bufio.NewScanner(r)
	in.Buffer(nil, MaxLine)
	in.Split(wholeLines)
	last := "the first block of the file"
	var own []byte
	for in.Scan() {
		n, err := numberOf(in.Bytes())
		if err != nil {
			return fmt.Errorf("after %s: %w", last, err)
		}
		last = fmt.Sprintf("block %d", n)
		var b *chain.SealedBlock
		if n > 0 {
			b, err = parse(in.Bytes())
			if err == nil && b.Header.Number.Uint64() != n {
				err = fmt.Errorf("the line has number %d, its certificate is for block %s", n, b.Header.Number)
			}
			if err == nil {
				err = recoverable(i.take(b))
			}
			if err != nil {
				return fmt.Errorf("%s: %w", last, err)
			}
		}
		if own, err = i.line(own[:0], n, b); err == nil {
			err = same(in.Bytes(), own)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", last, err)
		}
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("after %s: %w", last, err)
	}
	return nil
}

// recoverable says what to do about a block of an epoch that has not begun here: other
// than an item of RLP, a line has no place for the recovery that has opened one.
func recoverable(err error) error {
	if errors.Is(err, chain.ErrNotFound) {
		return fmt.Errorf("%w; if a recovery of the network has opened it, lines do not hold that: have this folder apply its document first, or import RLP", err)
	}
	return err
}

// line appends the line of a block that is here, with the certificate of b: nodes have
// different ones for a block, all of them good. A nil b is block 0, which has none.
func (i *importer) line(own []byte, n uint64, b *chain.SealedBlock) ([]byte, error) {
	own, err := i.objects.Append(own, n, All&^stream.Certificate)
	if err != nil {
		return own, err
	}
	var shown *pbft.Certificate
	if b != nil {
		epoch, err := i.chain.Epoch(b.Certificate.Epoch)
		if err != nil {
			return own, err
		}
		if shown, err = pbft.Show(n, &pbft.Sealed{Header: b.Header, BatchHeader: b.BatchHeader, Certificate: b.Certificate}, epoch.Set.Addresses()); err != nil {
			return own, err
		}
	}
	text, err := json.Marshal(shown)
	own = append(own[:len(own)-1], `,"certificate":`...)
	return append(append(own, text...), '}'), err
}

// wholeLines is bufio.ScanLines that refuses a last line without an end.
func wholeLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if atEOF && len(data) > 0 && bytes.IndexByte(data, '\n') < 0 {
		return 0, nil, errors.New("the file ends in the middle of a line: run the export again to complete it")
	}
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	return 0, nil, nil
}

// same fails if a line is not what this node says of its block, byte by byte: what only
// repeats something, as a receipt, is proved by nothing else.
func same(line, own []byte) error {
	if bytes.Equal(line, own) {
		return nil
	}
	at := 0
	for at < min(len(line), len(own)) && line[at] == own[at] {
		at++
	}
	around := func(b []byte) []byte { return b[max(0, at-40):min(len(b), at+40)] }
	return fmt.Errorf("byte %d of its line is not as the block is: the file has …%s…, the block …%s…", at, around(line), around(own))
}

// lineBlock is what of a line is needed to prove and execute a block.
type lineBlock struct {
	Hash  common.Hash `json:"hash"`
	Block struct {
		Transactions []*types.Transaction `json:"transactions"`
	} `json:"block"`
	Certificate *pbft.Certificate `json:"certificate"`
}

// parse reads the sealed block out of a line.
func parse(line []byte) (*chain.SealedBlock, error) {
	var l lineBlock
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, err
	}
	if l.Certificate == nil {
		return nil, errors.New("there is no certificate: export with all parts")
	}
	b := &chain.SealedBlock{Transactions: l.Block.Transactions, Header: new(types.Header), BatchHeader: new(consensus.BatchHeader)}
	if err := rlp.DecodeBytes(l.Certificate.Header, b.Header); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if err := rlp.DecodeBytes(l.Certificate.BatchHeader, b.BatchHeader); err != nil {
		return nil, fmt.Errorf("batch header: %w", err)
	}
	c := l.Certificate
	b.Certificate = &consensus.CommitCertificate{
		Epoch: consensus.Epoch(c.Epoch), View: consensus.View(c.View), Seq: consensus.Seq(c.Seq),
		BatchDigest: c.BatchDigest, BlockHash: c.BlockHash, Signers: []byte(c.Signers), Signatures: make([]consensus.Signature, len(c.Signatures)),
	}
	for i, s := range c.Signatures {
		if len(s) != len(b.Certificate.Signatures[i]) {
			return nil, fmt.Errorf("signature %d has %d bytes", i, len(s))
		}
		copy(b.Certificate.Signatures[i][:], s)
	}
	return b, nil
}
