// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import "QuorateFinality";

/// Follows a network from its genesis to the block of a proof, within one eth_call: what
/// the constructor returns is no code but the number and hash of the block. details[i] is
/// what makes a recovery of link i, zero of a checkpoint.
contract Follow {
    constructor(
        uint256 chainId,
        bytes32 genesisHash,
        address[] memory list,
        address[] memory keys,
        uint256 threshold,
        QuorateFinality.Checkpoint[] memory links,
        bytes32[] memory details,
        QuorateFinality.Commit memory c,
        bytes memory header
    ) {
        QuorateFinality verifier = new QuorateFinality(chainId, genesisHash, list, keys, threshold);
        for (uint256 i = 0; i < links.length; i++) {
            if (details[i] == 0) verifier.advance(links[i]);
            else verifier.recover(links[i], details[i]);
        }
        (uint256 block_, bytes32 hash) = verifier.verifyHeader(c, header);
        assembly {
            mstore(0, block_)
            mstore(32, hash)
            return(0, 64)
        }
    }
}
