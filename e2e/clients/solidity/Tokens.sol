// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import "@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// OpenZeppelin's tokens, and a contract that makes one.
contract Coin is ERC20 {
    constructor() ERC20("Coin", "COIN") {
        _mint(msg.sender, 1000);
    }
}

contract Deed is ERC721 {
    constructor() ERC721("Deed", "DEED") {
        for (uint256 id = 1; id <= 3; id++) _mint(msg.sender, id);
    }

    function burn(uint256 id) external {
        _burn(id);
    }
}

contract Maker {
    Coin public coin;

    function make() external {
        coin = new Coin();
    }

    function fail() external {
        coin = new Coin();
        revert("made nothing");
    }
}
