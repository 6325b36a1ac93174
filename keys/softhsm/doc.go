// Package softhsm makes tokens of SoftHSM, a hardware security module in software, for
// tests: a folder of its own, a token, and keys of the curve secp256k1 in it.
//
//	test ──► New ──► SOFTHSM2_CONF, token "quorate" ──► Import(key) ──► keys.OpenHSM, or a node
//
// It needs the library of Debian's package softhsm2; without it a test is skipped and
// says so, and with CI=true it fails.
package softhsm
