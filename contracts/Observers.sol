// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Roles} from "./Roles.sol";
import {Text} from "./Text.sol";

/// @title The nodes without a vote that may connect.
/// @notice Every account with a role lets nodes in. An Enabled account takes out those that it let in itself,
/// Managers, Admins and the members' vote take out every one.
contract Observers is Roles {
    using Text for bytes;
    using Text for string;

    /// @notice Nodes: every one may connect to every validator.
    uint256 public constant MAX_NODES = 1024;
    /// @notice Bytes of a name.
    uint256 public constant MAX_NAME = 64;

    struct Node {
        uint64 place; // in the list, from 1
        address by; // who let it in; zero for genesis
        bytes nodeId; // libp2p peer id
        string name; // for people
    }

    error NotEnabled(address caller);
    error NotYours(bytes nodeId, address by);
    error NodeAlready(bytes nodeId);
    error UnknownNode(bytes nodeId);
    error TooManyNodes(uint256 most);

    event NodeAdded(bytes nodeId, string name, address indexed sender);
    event NodeRemoved(bytes nodeId, address indexed sender);

    bytes32[] private _keys; // keccak256 of node ids
    mapping(bytes32 key => Node) private _nodes;
    uint64 private _version;

    /// @notice Lets a node in.
    function addNode(bytes calldata nodeId, string calldata name) external {
        if (roleOf(msg.sender) == NONE) revert NotEnabled(msg.sender);
        if (_keys.length == MAX_NODES) revert TooManyNodes(MAX_NODES);
        nodeId.checkNodeId();
        name.check(MAX_NAME);
        bytes32 key = keccak256(nodeId);
        if (_nodes[key].place != 0) revert NodeAlready(nodeId);
        _keys.push(key);
        _nodes[key] = Node(uint64(_keys.length), msg.sender, nodeId, name);
        _version++;
        emit NodeAdded(nodeId, name, msg.sender);
    }

    /// @notice Takes a node out.
    function removeNode(bytes calldata nodeId) external {
        uint256 role = roleOf(msg.sender);
        if (role == NONE) revert NotEnabled(msg.sender);
        bytes32 key = keccak256(nodeId);
        Node storage n = _nodes[key];
        uint64 place = n.place;
        if (place == 0) revert UnknownNode(nodeId);
        if (role == ENABLED && n.by != msg.sender) revert NotYours(nodeId, n.by);
        bytes32 last = _keys[_keys.length - 1];
        (_keys[place - 1], _nodes[last].place) = (last, place);
        _keys.pop();
        delete _nodes[key];
        _version++;
        emit NodeRemoved(nodeId, msg.sender);
    }

    /// @notice Every node, in no order.
    function nodes() external view returns (Node[] memory list) {
        list = new Node[](_keys.length);
        for (uint256 i = 0; i < list.length; i++) {
            list[i] = _nodes[_keys[i]];
        }
    }

    /// @notice Whether a node may connect.
    function isNode(bytes calldata nodeId) external view returns (bool) {
        return _nodes[keccak256(nodeId)].place != 0;
    }

    /// @notice Grows with every change of the nodes.
    function version() external view returns (uint64) {
        return _version;
    }
}
