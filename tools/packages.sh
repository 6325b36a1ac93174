#!/bin/sh
# Installs the Debian packages that tests use beside Go, make, git and Node.js, where
# that is possible, and says what will not be tested where it is not.
set -eu

missing= ; lost=
# needs PACKAGES WHAT TEST…: what is lost without the packages, if the test fails.
needs() {
	packages=$1 what=$2
	shift 2
	"$@" >/dev/null 2>&1 || missing="$missing $packages" lost="$lost; $what"
}
softhsm() { ls "${SOFTHSM2_MODULE:-/usr/lib/softhsm/libsofthsm2.so}" || ls /usr/lib/*/softhsm/libsofthsm2.so; }

[ "$(uname)" = Linux ] && needs "iproute2 nftables" "partitions of the network" sh -c "command -v ip && command -v nft"
needs chromium "the web explorer in a browser" command -v chromium
needs "python3 python3-websockets" "the clients of docs/explorers in Python" sh -c "python3 -c 'import websockets' || /usr/bin/python3 -c 'import websockets'"
needs softhsm2 "keys in a hardware security module" softhsm

[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	# shellcheck disable=SC2086 # a list
	if apt-get update -qq && apt-get install -qq -y --no-install-recommends $missing >/dev/null; then exit 0; fi
fi
echo "note: NOT tested here${lost#;}. It needs (on Debian, as root): apt-get install$missing" >&2
