// Package keys keeps the two keys of a node and signs with one of them.
//
//	keystore/UTC--…--<address>   validator key, encrypted (keystore v3)
//	keystore/voted-<address>.json "never voted", later the highest epoch voted in
//	nodekey                      libp2p identity, hexadecimal, mode 0600
//
//	engine ──preimage──► Signer ──keccak256, secp256k1──► Signature
//
// The validator key is an ordinary Ethereum key file that geth, clef and
// Foundry read too. The node key only proves who is at the other end of a
// connection; it lies unencrypted, as such keys do everywhere, which is why it
// must not be the validator key.
//
// Where the key is, only opening it knows: a key file, a remote signer (RemoteSigner),
// or a hardware security module (OpenHSM, with the build tag pkcs11).
//
// Beside the validator key, not in the data directory, lies a small file that
// is made with the key and says "never voted". Whoever loses the data
// directory still knows by it whether the key has voted, and up to which epoch
// (docs/protocol.md, Starting). Its absence means: unknown, so as good as lost.
//
// Invariants:
//   - A Signer takes the preimage, never a bare digest, so nobody can have it
//     sign what it cannot see.
//   - Files appear whole or not at all: written aside, fsynced, renamed, the
//     directory fsynced.
//   - The recorded epoch never decreases.
//
// The package does not decide what may be signed: the sign guard of
// consensus/engine does.
package keys
