// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title Finality of a Quorate network, checked on any EVM chain.
/// @notice Knows the validators of one network from its genesis on and tells whether a block is
/// final there. It takes what pbft_commitCertificate and pbft_stableCheckpoint answer; nobody
/// who calls it is trusted. What is signed stands in docs/protocol.md.
/// @dev Bit i of the signer bitset (little-endian bytes) is the validator at index i of the ascending
/// list. A set that was replaced can still sign: who needs protection against validators that
/// turn dishonest after they have left must call `advance` before they leave.
contract QuorateFinality {
    bytes32 private constant VOTE_TAG = keccak256("quorate/vote/1");
    uint256 private constant COMMIT = 3;
    uint256 private constant CHECKPOINT = 4;
    // Half of the order of secp256k1: nobody but the signer can make a second signature.
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    struct Commit {
        uint256 epoch;
        uint256 view_;
        uint256 seq; // the number of the block
        bytes32 batchDigest;
        bytes32 blockHash;
        bytes signers;
        bytes[] signatures; // r, s, v of 0 or 1; one per signer, ascending by index
    }

    struct Checkpoint {
        uint256 epoch; // that it ends
        uint256 seq; // the number of its last block
        bytes32 blockHash;
        bytes32 stateRoot;
        address[] validators; // from the next epoch on, ascending
        address[] suspended; // of these, who may not be primary in the next epoch, ascending
        bytes32 params; // hash of the protocol parameters of the next epoch
        bytes signers;
        bytes[] signatures;
    }

    error NotTheEpoch(uint256 epoch, uint256 since);
    error NoQuorum(uint256 signers, uint256 needed);
    error BadSigners();
    error BadSignature(uint256 index);
    error BadSet();
    error NotTheHeader(bytes32 hash);

    event Advanced(uint256 epoch, address[] validators);

    /// @notice Of the network whose blocks are checked, not of the chain that this contract is on.
    uint256 public immutable chainId;
    bytes32 public immutable genesisHash;

    /// @notice The first epoch that the present validators decide.
    uint256 public since;
    address[] private validators;

    /// @param list the validators of genesis in ascending order
    constructor(uint256 chainId_, bytes32 genesisHash_, address[] memory list) {
        (chainId, genesisHash) = (chainId_, genesisHash_);
        _setValidators(list);
    }

    /// @notice Who decides, in ascending order.
    function validatorList() external view returns (address[] memory) {
        return validators;
    }

    /// @notice How many must sign: two quorums meet in an honest validator.
    function quorum() public view returns (uint256) {
        uint256 n = validators.length;
        return (n + (n - 1) / 3 + 2) / 2;
    }

    /// @notice Reverts unless the block is final. Returns its number and hash.
    function verify(Commit calldata c) public view returns (uint256 number, bytes32 blockHash) {
        if (c.epoch < since || c.seq == 0) revert NotTheEpoch(c.epoch, since);
        bytes32 said = keccak256(
            abi.encode(VOTE_TAG, chainId, genesisHash, COMMIT, c.epoch, c.view_, c.seq, c.batchDigest, c.blockHash)
        );
        _checkQuorum(said, c.signers, c.signatures);
        return (c.seq, c.blockHash);
    }

    /// @notice The same, and that this is the block's header, in RLP.
    function verifyHeader(Commit calldata c, bytes calldata header) external view returns (uint256 number, bytes32 blockHash) {
        (number, blockHash) = verify(c);
        if (keccak256(header) != blockHash) revert NotTheHeader(keccak256(header));
    }

    /// @notice Goes on to the validators that follow an epoch. Anybody may call it.
    function advance(Checkpoint calldata c) external {
        if (c.epoch < since) revert NotTheEpoch(c.epoch, since);
        bytes32 nextSet = keccak256(abi.encode(c.epoch + 1, c.validators, c.suspended, c.params));
        bytes32 said = keccak256(
            abi.encode(
                VOTE_TAG, chainId, genesisHash, CHECKPOINT, c.epoch, c.seq, c.blockHash, c.stateRoot, nextSet
            )
        );
        _checkQuorum(said, c.signers, c.signatures);
        since = c.epoch + 1;
        _setValidators(c.validators);
        emit Advanced(since, c.validators);
    }

    function _setValidators(address[] memory list) private {
        address before = address(0);
        for (uint256 i = 0; i < list.length; i++) {
            if (list[i] <= before) revert BadSet(); // the zero address, unordered, or twice
            before = list[i];
        }
        if (list.length == 0) revert BadSet();
        validators = list;
    }

    function _checkQuorum(bytes32 said, bytes calldata signers, bytes[] calldata signatures) private view {
        uint256 n = validators.length;
        if (signers.length != (n + 7) / 8) revert BadSigners();
        uint256 signed = 0;
        for (uint256 i = 0; i < signers.length * 8; i++) {
            if ((uint8(signers[i / 8]) >> (i % 8)) & 1 == 0) continue;
            if (i >= n || signed >= signatures.length) revert BadSigners();
            if (_signer(said, signatures[signed]) != validators[i]) revert BadSignature(i);
            signed++;
        }
        if (signed != signatures.length) revert BadSigners();
        if (signed < quorum()) revert NoQuorum(signed, quorum());
    }

    /// @dev The zero address, which is no validator's, for what is no signature.
    function _signer(bytes32 said, bytes calldata signature) private pure returns (address) {
        if (signature.length != 65 || uint256(bytes32(signature[32:64])) > HALF_ORDER || uint8(signature[64]) > 1) return address(0);
        return ecrecover(said, uint8(signature[64]) + 27, bytes32(signature[:32]), bytes32(signature[32:64]));
    }
}
