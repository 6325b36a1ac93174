// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Council} from "./Council.sol";

/// @title The AllowList interface of subnet-evm, so that tools for it work here.
interface IAllowList {
    event RoleSet(uint256 indexed role, address indexed account, address indexed sender, uint256 oldRole);

    /// @notice Gives the role Admin.
    function setAdmin(address account) external;

    /// @notice Gives the role Manager.
    function setManager(address account) external;

    /// @notice Gives the role Enabled.
    function setEnabled(address account) external;

    /// @notice Takes every role.
    function setNone(address account) external;

    /// @notice None 0, Enabled 1, Admin 2, Manager 3.
    function readAllowList(address account) external view returns (uint256 role);
}

/// @title Roles of accounts, and accounts that are frozen.
/// @notice Admins change every role; Managers make Enabled of None and None of Enabled; a vote of the members
/// does what an Admin may, so that a lost key is no dead end. A frozen account has no role, whatever is
/// recorded for it; Admins and votes freeze.
abstract contract Roles is Council, IAllowList {
    uint256 internal constant NONE = 0;
    uint256 internal constant ENABLED = 1;
    uint256 internal constant ADMIN = 2;
    uint256 internal constant MANAGER = 3;

    struct Entry {
        uint8 role;
        bool frozen;
        uint64 place; // in the list of accounts, from 1; 0 with neither role nor frozen
    }

    error NotAllowed(address caller, uint256 callerRole, address account, uint256 oldRole, uint256 role);
    error NotAnAdmin(address caller, uint256 callerRole);

    event FrozenSet(address indexed account, bool frozen, address indexed sender);

    address[] private _accounts;
    mapping(address account => Entry) private _entries;
    uint64 private _frozenCount;

    /// @inheritdoc IAllowList
    function setAdmin(address account) external {
        _setRole(account, ADMIN);
    }

    /// @inheritdoc IAllowList
    function setManager(address account) external {
        _setRole(account, MANAGER);
    }

    /// @inheritdoc IAllowList
    function setEnabled(address account) external {
        _setRole(account, ENABLED);
    }

    /// @inheritdoc IAllowList
    function setNone(address account) external {
        _setRole(account, NONE);
    }

    /// @notice Freezes an account, or lets it go. Setting what is set does nothing.
    function setFrozen(address account, bool frozen) external {
        uint256 role = roleOf(msg.sender);
        if (role != ADMIN) revert NotAnAdmin(msg.sender, role);
        Entry storage e = _entries[account];
        if (e.frozen == frozen) return;
        e.frozen = frozen;
        if (frozen) _frozenCount++;
        else _frozenCount--;
        _list(account, e);
        emit FrozenSet(account, frozen, msg.sender);
    }

    /// @inheritdoc IAllowList
    function readAllowList(address account) external view returns (uint256 role) {
        return _entries[account].role;
    }

    /// @notice Whether an account is frozen.
    function isFrozen(address account) public view returns (bool) {
        return _entries[account].frozen;
    }

    /// @notice The role that counts: None for a frozen account; Admin for the members' vote, which comes
    /// from the contract itself.
    function roleOf(address account) public view returns (uint256) {
        if (account == address(this)) return ADMIN;
        Entry storage e = _entries[account];
        return e.frozen ? NONE : e.role;
    }

    /// @notice How many accounts have a role or are frozen.
    function accountCount() external view returns (uint256) {
        return _accounts.length;
    }

    /// @notice At most `count` of them from a place on, from 0, in no order.
    function accounts(uint256 from, uint256 count) external view returns (address[] memory page) {
        uint256 length = _accounts.length;
        if (from > length) from = length;
        if (count > length - from) count = length - from;
        page = new address[](count);
        for (uint256 i = 0; i < count; i++) {
            page[i] = _accounts[from + i];
        }
    }

    function frozenCount() external view returns (uint64) {
        return _frozenCount;
    }

    function _setRole(address account, uint256 role) private {
        Entry storage e = _entries[account];
        uint256 was = e.role;
        uint256 own = roleOf(msg.sender);
        bool allowed = own == ADMIN || (own == MANAGER && was <= ENABLED && role <= ENABLED);
        if (!allowed) revert NotAllowed(msg.sender, own, account, was, role);
        e.role = uint8(role);
        _list(account, e);
        emit RoleSet(role, account, msg.sender, was);
    }

    /// @dev Puts an account on the list or takes it off, as its entry demands.
    function _list(address account, Entry storage e) private {
        bool wanted = e.role != NONE || e.frozen;
        if (wanted && e.place == 0) {
            _accounts.push(account);
            e.place = uint64(_accounts.length);
        } else if (!wanted && e.place != 0) {
            uint64 place = e.place;
            address last = _accounts[_accounts.length - 1];
            (_accounts[place - 1], _entries[last].place) = (last, place);
            _accounts.pop();
            e.place = 0;
        }
    }
}
