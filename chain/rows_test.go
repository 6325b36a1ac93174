package chain

import (
	"bytes"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/consensus"
)

// someReceipts holds every shape that the encoding tells apart.
func someReceipts() types.Receipts {
	logs := []*types.Log{
		{Address: common.Address{1}, Topics: []common.Hash{}, Data: []byte{}},
		{Address: common.Address{2}, Topics: []common.Hash{{1}, {2}, {3}, {4}}, Data: bytes.Repeat([]byte{7}, 300)},
	}
	out := types.Receipts{
		{Status: 1, CumulativeGasUsed: 21_000},
		{Status: 0, CumulativeGasUsed: 42_000},
		{Status: 0, CumulativeGasUsed: 42_000 + 1<<40},
		{Status: 1, CumulativeGasUsed: 42_001 + 1<<40, Logs: logs},
		{Status: 1, CumulativeGasUsed: 63_001 + 1<<40, Logs: logs[:1]},
		{Status: 1, CumulativeGasUsed: 63_001 + 1<<40},
	}
	for _, r := range out {
		r.Bloom = types.CreateBloom(r)
	}
	return out
}

func TestReceiptsRow(t *testing.T) {
	want := someReceipts()
	row := encodeReceipts(want)
	got, err := decodeReceipts(row)
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d receipts came back as %d, %v", len(want), len(got), err)
	}
	if again := encodeReceipts(got); !bytes.Equal(again, row) {
		t.Fatalf("encoded again as %x, was %x", again, row)
	}
	if types.DeriveSha(got, hasher()) != types.DeriveSha(want, hasher()) {
		t.Fatal("receipts came back as others")
	}
	if n := len(encodeReceipts(want[:1])); n != 1 {
		t.Fatalf("a plain transfer's receipt takes %d bytes, 1 is promised", n)
	}
	whole := 0 // a row may end after a receipt, and nowhere else
	for n := range row {
		if _, err := decodeReceipts(row[:n]); err == nil {
			whole++
		}
	}
	if whole != len(want) {
		t.Fatalf("%d proper beginnings decode, %d are whole", whole, len(want))
	}
}

func FuzzReceiptsRow(f *testing.F) {
	f.Add(encodeReceipts(someReceipts()))
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, 30))
	f.Fuzz(func(t *testing.T, row []byte) {
		r, err := decodeReceipts(row)
		if err != nil {
			return
		}
		again, err := decodeReceipts(encodeReceipts(r))
		if err != nil || types.DeriveSha(again, hasher()) != types.DeriveSha(r, hasher()) {
			t.Fatalf("%x decodes to receipts that do not survive: %v", row, err)
		}
	})
}

func someSealed(bloom types.Bloom) *Sealed {
	b := &consensus.BatchHeader{Version: 1, Epoch: 2, Seq: 130, OriginView: 1, Proposer: common.Address{1}, ParentDigest: common.Hash{2}, TimeMs: 1_700_000_000_123, Beneficiary: common.Address{3}, GasLimit: 100_000_000, TxCount: 9, TxsHash: common.Hash{4}}
	h := newHeader(b, b.Digest(), common.Hash{5}, 1_700_000_001, big.NewInt(7))
	h.Root, h.TxHash, h.ReceiptHash, h.Bloom, h.GasUsed = common.Hash{6}, common.Hash{7}, common.Hash{8}, bloom, 21_000
	return &Sealed{Header: h, BatchHeader: b, Certificate: &consensus.CommitCertificate{
		Epoch: 2, View: 3, Seq: 130, BatchDigest: b.Digest(), BlockHash: h.Hash(),
		Signers: consensus.Bitset{7}, Signatures: make([]consensus.Signature, 3),
	}}
}

// TestHeaderRow: what a row cannot express is refused when it is written, not
// when somebody reads it.
func TestHeaderRow(t *testing.T) {
	for _, bloom := range []types.Bloom{{}, {5: 9}} {
		s := someSealed(bloom)
		row, err := encodeSealed(s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeSealed(row)
		if err != nil || got.Header.Hash() != s.Header.Hash() || *got.BatchHeader != *s.BatchHeader || got.Certificate.View != 3 {
			t.Fatalf("%v: %+v", err, got)
		}
		if bloom == (types.Bloom{}) && len(row) > 560 {
			t.Errorf("a header row without logs has %d bytes with 3 signatures, 560 are promised", len(row))
		}
	}
	for name, change := range map[string]func(s *Sealed){
		"extra data":     func(s *Sealed) { s.Header.Extra = []byte{1}; s.Certificate.BlockHash = s.Header.Hash() },
		"other coinbase": func(s *Sealed) { s.Header.Coinbase[0]++; s.Certificate.BlockHash = s.Header.Hash() },
		"beacon root": func(s *Sealed) {
			s.Header.ParentBeaconRoot = &common.Hash{1}
			s.Certificate.BlockHash = s.Header.Hash()
		},
		"certificate's hash":  func(s *Sealed) { s.Certificate.BlockHash[0]++ },
		"certificate's seq":   func(s *Sealed) { s.Certificate.Seq++ },
		"certificate's epoch": func(s *Sealed) { s.Certificate.Epoch++ },
	} {
		s := someSealed(types.Bloom{})
		change(s)
		if _, err := encodeSealed(s); err == nil {
			t.Errorf("%s: was encoded", name)
		}
	}
}

func FuzzDecodeSealedBlock(f *testing.F) {
	s := someSealed(types.Bloom{5: 9})
	tx := types.NewTx(&types.LegacyTx{To: &common.Address{1}, Gas: 21_000, GasPrice: big.NewInt(1), Value: big.NewInt(1), V: big.NewInt(27), R: big.NewInt(1), S: big.NewInt(1)})
	for _, txs := range []types.Transactions{nil, {tx}, {tx, types.NewTx(&types.DynamicFeeTx{To: &common.Address{1}})}} {
		enc, err := (&SealedBlock{Header: s.Header, BatchHeader: s.BatchHeader, Certificate: s.Certificate, Transactions: txs}).Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(enc)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := DecodeSealedBlock(data)
		if err != nil {
			return
		}
		enc, err := b.Encode()
		if err != nil || !bytes.Equal(enc, data) {
			t.Fatalf("%x decodes, and encodes to %x: %v", data, enc, err)
		}
	})
}
