// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

/// What stands in front of a Counter.
contract CounterProxy is ERC1967Proxy {
    constructor(address code, bytes memory data) ERC1967Proxy(code, data) {}
}

/// Counts, and its owner may replace the code.
contract Counter is Initializable, UUPSUpgradeable {
    address public owner;
    uint256 public count;

    error NotTheOwner(address caller);

    constructor() {
        _disableInitializers();
    }

    function initialize(uint256 start) external initializer {
        owner = msg.sender;
        count = start;
    }

    function step() external {
        count += stride();
    }

    function stride() public view virtual returns (uint256) {
        return 1;
    }

    function _authorizeUpgrade(address) internal view override {
        if (msg.sender != owner) revert NotTheOwner(msg.sender);
    }
}

/// The next version keeps what was counted and takes longer strides.
contract FastCounter is Counter {
    uint256 public length;

    function lengthen(uint256 by) external reinitializer(2) {
        length = by;
    }

    function stride() public view override returns (uint256) {
        return length;
    }
}
