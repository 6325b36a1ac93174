// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Store} from "../contracts/Store.sol";

/// The cheat codes of forge that are used here, by their published signatures.
interface Vm {
    struct EthGetLogs {
        address emitter;
        bytes32[] topics;
        bytes data;
        bytes32 blockHash;
        uint64 blockNumber;
        bytes32 transactionHash;
        uint64 transactionIndex;
        uint256 logIndex;
        bool removed;
    }

    function startBroadcast() external;
    function stopBroadcast() external;
    function createSelectFork(string calldata url, uint256 number) external returns (uint256);
    function createSelectFork(string calldata url) external returns (uint256);
    function eth_getLogs(uint256 from, uint256 to, address target, bytes32[] calldata topics)
        external
        returns (EthGetLogs[] memory);
}

abstract contract Script {
    bool public constant IS_SCRIPT = true;
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
}

/// Three transactions: a store, and two values in it.
contract Deploy is Script {
    function run() external returns (Store store) {
        vm.startBroadcast();
        store = new Store(7);
        store.store(42, "the answer");
        store.store(43, "noted");
        vm.stopBroadcast();
        require(store.value() == 43, "not stored");
    }
}

/// A transaction that the contract refuses.
contract Refused is Script {
    function run(Store store) external {
        vm.startBroadcast();
        store.store(2_000_000, "no");
        vm.stopBroadcast();
    }
}

/// What a node knows of a store: its value now and before, and its events.
contract Read is Script {
    function run(Store store, string calldata url, uint256 number)
        external
        returns (uint256 now_, uint256 before, uint256 events, bytes memory last)
    {
        vm.createSelectFork(url);
        now_ = store.value();
        bytes32[] memory topics = new bytes32[](1);
        topics[0] = Store.Stored.selector;
        Vm.EthGetLogs[] memory logs = vm.eth_getLogs(0, block.number, address(store), topics);
        events = logs.length;
        last = logs[events - 1].data;
        vm.createSelectFork(url, number);
        before = store.value();
    }
}
