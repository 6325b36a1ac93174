// Package p2p is a libp2p host for a permissioned network.
package p2p
