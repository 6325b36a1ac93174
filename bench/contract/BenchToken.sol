// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

/// A plain ERC-20 token, and a door through which its deployer pays and equips the
/// accounts of a load test, many in one transaction.
contract BenchToken {
    string public constant name = "Quorate Bench";
    string public constant symbol = "QBENCH";
    uint8 public constant decimals = 18;

    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    address private immutable deployer = msg.sender;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    error InsufficientBalance(address account, uint256 balance, uint256 needed);
    error InsufficientAllowance(address spender, uint256 allowed, uint256 needed);
    error NotDeployer(address caller);
    error PaymentFailed(address to);

    function transfer(address to, uint256 value) external returns (bool) {
        _move(msg.sender, to, value);
        return true;
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed < value) revert InsufficientAllowance(msg.sender, allowed, value);
        if (allowed != type(uint256).max) allowance[from][msg.sender] = allowed - value;
        _move(from, to, value);
        return true;
    }

    /// Gives each account `tokens` new tokens and an equal part of the value sent.
    function distribute(address[] calldata to, uint256 tokens) external payable {
        if (msg.sender != deployer) revert NotDeployer(msg.sender);
        uint256 part = msg.value / to.length;
        for (uint256 i = 0; i < to.length; i++) {
            if (tokens > 0) {
                balanceOf[to[i]] += tokens;
                emit Transfer(address(0), to[i], tokens);
            }
            if (part > 0) {
                (bool ok, ) = to[i].call{value: part}("");
                if (!ok) revert PaymentFailed(to[i]);
            }
        }
        totalSupply += tokens * to.length;
    }

    function _move(address from, address to, uint256 value) private {
        uint256 balance = balanceOf[from];
        if (balance < value) revert InsufficientBalance(from, balance, value);
        unchecked {
            balanceOf[from] = balance - value;
            balanceOf[to] += value; // the sum of all balances is totalSupply
        }
        emit Transfer(from, to, value);
    }
}
