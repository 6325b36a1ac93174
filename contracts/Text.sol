// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title Checks of node ids and of texts for people.
library Text {
    error BadNodeId(bytes nodeId);
    error TooLong(uint256 length, uint256 most);
    error NotPrintable(uint256 position);

    /// @dev A libp2p peer id of a secp256k1 key: the identity multihash (0x00) of 37 bytes (0x25) that
    /// hold the key type 2 (0x0802) and a compressed public key of 33 bytes (0x1221).
    bytes6 private constant NODE_ID_HEAD = 0x002508021221;

    /// @notice Reverts unless this has the form of the libp2p peer id of a secp256k1 key, as bytes. That the
    /// key is a point of the curve is not checked: a node that claims another has no connection.
    function checkNodeId(bytes calldata id) internal pure {
        if (id.length != 39 || bytes6(id) != NODE_ID_HEAD || (id[6] != 0x02 && id[6] != 0x03)) revert BadNodeId(id);
    }

    /// @notice Reverts if a text is too long or holds control characters.
    function check(string calldata text, uint256 most) internal pure {
        bytes calldata b = bytes(text);
        if (b.length > most) revert TooLong(b.length, most);
        for (uint256 i = 0; i < b.length; i++) {
            if (b[i] < 0x20 || b[i] == 0x7f) revert NotPrintable(i);
        }
    }
}
