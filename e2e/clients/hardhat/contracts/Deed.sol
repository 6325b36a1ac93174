// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC721Holder} from "@openzeppelin/contracts/token/ERC721/utils/ERC721Holder.sol";

/// Who decides who may do what.
contract Registrar is AccessManager {
    constructor(address admin) AccessManager(admin) {}
}

/// Deeds are minted by whom the registrar lets.
contract Deed is ERC721, AccessManaged {
    constructor(address registrar) ERC721("Deed", "DEED") AccessManaged(registrar) {}

    function safeMint(address to, uint256 id) external restricted {
        _safeMint(to, id);
    }
}

/// A contract that takes deeds.
contract Keeper is ERC721Holder {}
