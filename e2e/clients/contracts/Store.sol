// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// What the clients deploy: storage, an event, and every way to fail.
contract Store {
    uint256 public constant LIMIT = 1_000_000;

    uint256 public value;
    address public immutable owner;
    mapping(address => uint256) public writes;

    event Stored(address indexed by, uint256 indexed value, string note);

    error NotOwner(address caller, address owner);
    error TooLarge(uint256 given, uint256 limit);

    constructor(uint256 initial) payable {
        value = initial;
        owner = msg.sender;
        emit Stored(msg.sender, initial, "born");
    }

    function store(uint256 v, string calldata note) external {
        if (v > LIMIT) revert TooLarge(v, LIMIT);
        value = v;
        writes[msg.sender]++;
        emit Stored(msg.sender, v, note);
    }

    function ownerOnly() external view returns (uint256) {
        if (msg.sender != owner) revert NotOwner(msg.sender, owner);
        return value;
    }

    function refuse() external pure {
        require(false, "refused: it always is");
    }

    function divide(uint256 a, uint256 b) external pure returns (uint256) {
        return a / b;
    }

    function forever() external {
        while (true) value++;
    }
}
