// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// What the other clients deploy is compiled here too.
import {Store} from "../../contracts/Store.sol";
