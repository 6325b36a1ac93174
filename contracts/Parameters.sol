// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Council} from "./Council.sol";

/// @title The parameters of the protocol that the members may change, and the forks to come.
/// @notice What stands here holds from the next epoch boundary on; transactionGasCap holds at once.
/// @dev Names are ASCII, padded with zeros on the right. The bounds are those of the node's own check.
contract Parameters is Council {
    /// @notice Forks that can be scheduled.
    uint256 public constant MAX_FORKS = 32;

    error UnknownParameter(bytes32 name);
    error OutOfRange(bytes32 name, uint256 value, uint256 low, uint256 high);
    error BadForkName(bytes32 name);
    error TooManyForks(uint256 most);
    error ForkInThePast(bytes32 name, uint64 time, uint256 present);
    error ForkActive(bytes32 name, uint64 time);

    event ParameterSet(bytes32 indexed name, uint256 oldValue, uint256 value);
    event ForkSet(bytes32 indexed name, uint64 oldTime, uint64 time);

    mapping(bytes32 name => uint256) private _values;
    bytes32[] private _forks;
    mapping(bytes32 name => uint64) private _forkTimes; // seconds since 1970; 0 = not scheduled
    uint64 private _version;

    /// @notice Changes a parameter. By vote.
    function setParameter(bytes32 name, uint256 value) external onlyCouncil {
        (uint256 low, uint256 high) = bounds(name);
        if (value < low || value > high) revert OutOfRange(name, value, low, high);
        emit ParameterSet(name, _values[name], value);
        _values[name] = value;
        _version++;
    }

    /// @notice Schedules a fork of the EVM at a time to come, in seconds since 1970; 0 takes it off. What is
    /// active stays. By vote. A node that does not know the fork must be updated before its time.
    function setFork(bytes32 name, uint64 time) external onlyCouncil {
        if (name == 0) revert BadForkName(name);
        uint64 was = _forkTimes[name];
        if (was != 0 && was <= block.timestamp) revert ForkActive(name, was);
        if (time != 0 && time <= block.timestamp) revert ForkInThePast(name, time, block.timestamp);
        if (was == 0 && time != 0) _addFork(name);
        if (was != 0 && time == 0) _removeFork(name);
        _forkTimes[name] = time;
        _version++;
        emit ForkSet(name, was, time);
    }

    /// @notice A parameter from the next epoch boundary on.
    function parameter(bytes32 name) external view returns (uint256) {
        bounds(name);
        return _values[name];
    }

    /// @notice The least and the largest value of a parameter.
    function bounds(bytes32 name) public pure returns (uint256 low, uint256 high) {
        if (name == "epochLength") return (1, 1 << 16);
        if (name == "primarySpan") return (0, 1 << 16);
        if (name == "blockGasLimit") return (1 << 24, 1 << 53);
        if (name == "minGasPrice") return (0, 1 << 53);
        // Osaka allows 2^24. A vote among 1,024 members must fit below the least.
        if (name == "transactionGasCap") return (1 << 23, 1 << 24);
        revert UnknownParameter(name);
    }

    /// @notice The forks that are scheduled or have been activated, in no order.
    function forks() external view returns (bytes32[] memory) {
        return _forks;
    }

    /// @notice When a fork becomes active; 0 if it is not scheduled.
    function forkTime(bytes32 name) external view returns (uint64) {
        return _forkTimes[name];
    }

    /// @notice Grows with every change.
    function version() external view returns (uint64) {
        return _version;
    }

    function _addFork(bytes32 name) private {
        if (_forks.length == MAX_FORKS) revert TooManyForks(MAX_FORKS);
        _forks.push(name);
    }

    function _removeFork(bytes32 name) private {
        uint256 i = 0;
        while (_forks[i] != name) i++;
        _forks[i] = _forks[_forks.length - 1];
        _forks.pop();
    }
}
