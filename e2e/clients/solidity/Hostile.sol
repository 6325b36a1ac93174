// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// A token that means harm to whoever shows its name, and calls of every kind.
contract Hostile {
    event Transfer(address indexed from, address indexed to, uint256 value);

    mapping(address => uint256) public balanceOf;
    uint256 public totalSupply;
    uint8 public constant decimals = 2;

    constructor() {
        totalSupply = 1_000_00;
        balanceOf[msg.sender] = totalSupply;
        emit Transfer(address(0), msg.sender, totalSupply);
    }

    function name() external pure returns (string memory) {
        return unicode"<img src=x onerror=alert(1)>Gold\u202Egnp.exe";
    }

    function symbol() external pure returns (string memory) {
        return "<b>GLD</b>";
    }

    function transfer(address to, uint256 value) public returns (bool) {
        require(balanceOf[msg.sender] >= value, "<script>alert('poor')</script>");
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
        emit Transfer(msg.sender, to, value);
        return true;
    }

    /// A call below a call, for the tree.
    function twice(address to, uint256 value) external {
        this.echo("<svg onload=alert(2)>");
        transfer(to, value);
        transfer(to, value);
    }

    function echo(string calldata text) external pure returns (string memory) {
        return text;
    }
}
