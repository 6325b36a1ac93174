// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Much of everything, and contracts that do not stay.
contract Extremes {
    event Said(uint256 n);
    event Made(address gone);

    function say(uint256 count) external {
        for (uint256 i = 0; i < count; i++) emit Said(i);
    }

    /// A contract that is made and destroyed in one transaction (EIP-6780).
    function flash() external {
        Fleeting f = new Fleeting();
        f.end();
        emit Made(address(f));
    }

    /// So many calls below this one.
    function call(uint256 count) external view {
        for (uint256 i = 0; i < count; i++) this.nothing();
    }

    /// And so many inside each other.
    function deep(uint256 levels) external view {
        if (levels > 0) this.deep(levels - 1);
    }

    function nothing() external pure {}

    /// So many tokens that have no name.
    function mint(uint256 count) external {
        for (uint256 i = 0; i < count; i++) new Nameless();
    }
}

contract Nameless {
    event Transfer(address indexed from, address indexed to, uint256 value);

    constructor() {
        emit Transfer(address(0), msg.sender, 1);
    }
}

contract Fleeting {
    function end() external {
        selfdestruct(payable(msg.sender));
    }
}

contract Refuses {
    constructor() {
        revert("not today");
    }
}
