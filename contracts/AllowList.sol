// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Roles} from "./Roles.sol";

/// @title Who may send transactions, and, at a second address, who may deploy contracts.
/// @notice Open: everybody whose account is not frozen. Closed: every account with a role.
/// @dev The node applies it to transactions, not to the calls of contracts to each other. Transactions of
/// members and candidates to the system contracts and accounts are never refused.
contract AllowList is Roles {
    event ClosedSet(bool closed);

    bool private _closed; // in one slot with the number of frozen accounts

    /// @notice Closes the list, or opens it. By vote.
    function setClosed(bool closed) external onlyCouncil {
        _closed = closed;
        emit ClosedSet(closed);
    }

    function isClosed() external view returns (bool) {
        return _closed;
    }

    /// @notice Whether the list lets an account do what it is about.
    function isAllowed(address account) external view returns (bool) {
        if (isFrozen(account)) return false;
        return !_closed || roleOf(account) != NONE;
    }
}
