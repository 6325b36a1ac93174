// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title Finality of a Quorate network, checked on any EVM chain.
/// @notice Knows the validators of one network from its genesis on and tells whether a block is
/// final there. It takes what pbft_commitCertificate and pbft_stableCheckpoint answer; nobody
/// who calls it is trusted. What is signed stands in docs/protocol.md.
/// @dev Bit i of the signer bitset (little-endian bytes) is the validator at index i of the ascending
/// list. A set that was replaced can still sign: who needs protection against validators that
/// turn dishonest after they have left must call `advance` before they leave, and `recover` as soon as
/// the network was recovered. `quorate verify` decides alike, which a test compares.
contract QuorateFinality {
    /// @notice Recovery keys that a genesis can name.
    uint256 public constant MAX_RECOVERY_KEYS = 32;

    bytes32 private constant VOTE_TAG = keccak256("quorate/vote/1");
    bytes32 private constant RECOVERY_TAG = keccak256("quorate/recovery/1");
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
    error NotTheBlock(uint256 number, uint256 first);
    error BadThreshold(uint256 threshold, uint256 keys);
    error NoQuorum(uint256 signers, uint256 needed);
    error BadSigners();
    error BadSignature(uint256 index);
    error BadSet();
    error NotTheHeader(bytes32 hash);

    event Advanced(uint256 epoch, address[] validators);
    event Recovered(uint256 epoch, address[] validators, bytes32 details);

    /// @notice Of the network whose blocks are checked, not of the chain that this contract is on.
    uint256 public immutable chainId;
    bytes32 public immutable genesisHash;

    /// @notice The first epoch that the present validators decide.
    uint256 public since;
    /// @notice The first block that they decide.
    uint256 public first = 1;
    /// @notice How many recovery keys must sign; 0 where the genesis names none.
    uint256 public immutable threshold;
    address[] private validators;
    address[] private recoverers;

    /// @param list the validators of genesis in ascending order
    /// @param keys its recovery keys in ascending order; none if it has none
    /// @param threshold_ how many of them must sign; 0 if there are none
    constructor(uint256 chainId_, bytes32 genesisHash_, address[] memory list, address[] memory keys, uint256 threshold_) {
        (chainId, genesisHash, threshold) = (chainId_, genesisHash_, threshold_);
        _setValidators(list);
        uint256 k = keys.length;
        // More than half, as the genesis has it: two recoveries of one epoch have a signer in common.
        if (k > MAX_RECOVERY_KEYS || threshold_ > k || (k > 0 && 2 * threshold_ <= k)) revert BadThreshold(threshold_, k);
        _checkAscending(keys);
        recoverers = keys;
    }

    /// @notice Who decides, in ascending order.
    function validatorList() external view returns (address[] memory) {
        return validators;
    }

    /// @notice Who may name other validators when these are lost, in ascending order.
    function recoveryKeys() external view returns (address[] memory) {
        return recoverers;
    }

    /// @notice How many must sign: two quorums meet in an honest validator.
    function quorum() public view returns (uint256) {
        uint256 n = validators.length;
        return (n + (n - 1) / 3 + 2) / 2;
    }

    /// @notice Reverts unless the block is final. Returns its number and hash.
    function verify(Commit calldata c) public view returns (uint256 number, bytes32 blockHash) {
        if (c.epoch < since) revert NotTheEpoch(c.epoch, since);
        if (c.seq < first) revert NotTheBlock(c.seq, first);
        bytes32 said = keccak256(
            abi.encode(VOTE_TAG, chainId, genesisHash, COMMIT, c.epoch, c.view_, c.seq, c.batchDigest, c.blockHash)
        );
        _checkSigned(said, c.signers, c.signatures, validators, quorum());
        return (c.seq, c.blockHash);
    }

    /// @notice The same, and that this is the block's header, in RLP.
    function verifyHeader(Commit calldata c, bytes calldata header) external view returns (uint256 number, bytes32 blockHash) {
        (number, blockHash) = verify(c);
        if (keccak256(header) != blockHash) revert NotTheHeader(keccak256(header));
    }

    /// @notice Goes on to the validators that follow an epoch. Anybody may call it.
    function advance(Checkpoint calldata c) external {
        _checkFollows(c);
        bytes32 said = keccak256(
            abi.encode(
                VOTE_TAG, chainId, genesisHash, CHECKPOINT, c.epoch, c.seq, c.blockHash, c.stateRoot, _nextSet(c)
            )
        );
        _checkSigned(said, c.signers, c.signatures, validators, quorum());
        _follow(c);
        emit Advanced(since, c.validators);
    }

    /// @notice Goes on to the validators that the recovery keys have put in the place of lost ones: signers
    /// and signatures are theirs. It follows from whatever validators are known here, and needs no
    /// call of `advance` before it. Anybody may call it.
    /// @param details hash of the new validators' nodes, the field "recovery" of a link
    function recover(Checkpoint calldata c, bytes32 details) external {
        _checkFollows(c);
        if (threshold == 0) revert NoQuorum(0, 1);
        bytes32 said = keccak256(
            abi.encode(
                RECOVERY_TAG, chainId, genesisHash, c.epoch, c.seq, c.blockHash, c.stateRoot, _nextSet(c), details
            )
        );
        _checkSigned(said, c.signers, c.signatures, recoverers, threshold);
        _follow(c);
        emit Recovered(since, c.validators, details);
    }

    function _nextSet(Checkpoint calldata c) private pure returns (bytes32) {
        return keccak256(abi.encode(c.epoch + 1, c.validators, c.suspended, c.params));
    }

    /// @dev What has been used cannot be used again: it ends an epoch before `since`.
    function _checkFollows(Checkpoint calldata c) private view {
        if (c.epoch < since) revert NotTheEpoch(c.epoch, since);
        if (c.seq + 1 < first) revert NotTheBlock(c.seq, first - 1);
    }

    function _follow(Checkpoint calldata c) private {
        (since, first) = (c.epoch + 1, c.seq + 1);
        _setValidators(c.validators);
    }

    function _setValidators(address[] memory list) private {
        _checkAscending(list);
        if (list.length == 0) revert BadSet();
        validators = list;
    }

    function _checkAscending(address[] memory list) private pure {
        address before = address(0);
        for (uint256 i = 0; i < list.length; i++) {
            if (list[i] <= before) revert BadSet(); // the zero address, unordered, or twice
            before = list[i];
        }
    }

    function _checkSigned(
        bytes32 said,
        bytes calldata signers,
        bytes[] calldata signatures,
        address[] storage list,
        uint256 needed
    ) private view {
        uint256 n = list.length;
        if (signers.length != (n + 7) / 8) revert BadSigners();
        uint256 signed = 0;
        for (uint256 i = 0; i < signers.length * 8; i++) {
            if ((uint8(signers[i / 8]) >> (i % 8)) & 1 == 0) continue;
            if (i >= n || signed >= signatures.length) revert BadSigners();
            if (_signer(said, signatures[signed]) != list[i]) revert BadSignature(i);
            signed++;
        }
        if (signed != signatures.length) revert BadSigners();
        if (signed < needed) revert NoQuorum(signed, needed);
    }

    /// @dev The zero address, which is no validator's, for what is no signature.
    function _signer(bytes32 said, bytes calldata signature) private pure returns (address) {
        if (signature.length != 65 || uint256(bytes32(signature[32:64])) > HALF_ORDER || uint8(signature[64]) > 1) return address(0);
        return ecrecover(said, uint8(signature[64]) + 27, bytes32(signature[:32]), bytes32(signature[32:64]));
    }
}
