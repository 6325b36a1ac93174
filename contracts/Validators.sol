// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Council, IMembers} from "./Council.sol";
import {Text} from "./Text.sol";

/// @title The members of the network: its validators.
/// @notice The list is the set from the next epoch boundary on; the consensus reads it from the state of
/// the last block of an epoch. Votes are counted against the list as it is. Who was voted in is a candidate
/// until its key has shown, in a transaction of its own, that it follows the chain.
/// @dev Genesis writes the storage; there is no constructor. It gives members neither names nor
/// endpoints: those of genesis are hints that its hash leaves out.
contract Validators is Council, IMembers {
    using Text for bytes;
    using Text for string;

    /// @notice Members and candidates; a bitset and a certificate name each of them.
    uint256 public constant MAX_MEMBERS = 1024;
    /// @notice Candidates at one time.
    uint256 public constant MAX_CANDIDATES = 64;
    /// @notice Bytes of a name.
    uint256 public constant MAX_NAME = 64;
    /// @notice Bytes of an endpoint.
    uint256 public constant MAX_ENDPOINT = 256;

    struct Member {
        uint32 place; // in the list, from 1
        bytes nodeId; // libp2p peer id
        string name; // for people
        string endpoint; // host:port or multiaddr, a hint
    }

    struct Candidate {
        uint32 place; // in the list, from 1
        uint64 until; // the last second in which it can attest
        address replaces; // the member whose new key this is, or zero
        bytes nodeId;
        string name;
    }

    error ZeroAddress();
    error MemberAlready(address validator);
    error CandidateAlready(address validator, uint64 until);
    error NodeIdTaken(bytes nodeId, address by);
    error LastMember(address validator);
    error TooManyMembers(uint256 most);
    error TooManyCandidates(uint256 most);
    error Unknown(address validator);
    error NotACandidate(address account);
    error CandidateExpired(address account, uint64 until);
    error CandidateNotExpired(address account, uint64 until);
    error NotByItsKey(address account);
    error NotRecent(uint256 number, uint256 head);
    error NotTheBlock(uint256 number, bytes32 hash);

    event CandidateAdded(address indexed validator, address indexed replaces, bytes nodeId, string name, uint64 until);
    event CandidateDropped(address indexed validator);
    event Attested(address indexed validator, uint256 number, bytes32 hash);
    event MemberAdded(address indexed validator, bytes nodeId, string name);
    event MemberRemoved(address indexed validator);
    event Described(address indexed validator, string name, string endpoint);

    address[] private _list;
    mapping(address validator => Member) private _members;
    address[] private _candidateList;
    mapping(address validator => Candidate) private _candidates;
    // Of members and candidates, by keccak256 of the node id.
    mapping(bytes32 nodeId => address validator) private _owners;
    uint64 private _version;
    uint64 private _proposalSeconds;
    uint8 private _approvalPercent;
    uint8 private _turnoutPercent;

    // By vote.

    /// @notice Makes a candidate of a new validator.
    function add(address validator, bytes calldata nodeId, string calldata name) external onlyCouncil {
        if (_list.length + _candidateList.length >= MAX_MEMBERS) revert TooManyMembers(MAX_MEMBERS);
        name.check(MAX_NAME);
        _addCandidate(validator, address(0), nodeId, name);
    }

    /// @notice Makes a candidate of a member's new key. The old one stays until the new one has attested.
    /// The node id may be the old one or a new one.
    function replace(address old, address validator, bytes calldata nodeId) external onlyCouncil {
        if (!isMember(old)) revert Unknown(old);
        _addCandidate(validator, old, nodeId, _members[old].name);
    }

    /// @notice Removes a member, or drops a candidate.
    function remove(address validator) external onlyCouncil {
        if (isMember(validator)) _removeMember(validator);
        else if (_candidates[validator].place != 0) _dropCandidate(validator);
        else revert Unknown(validator);
    }

    // By the member or the candidate itself.

    /// @notice Leaves the network.
    function resign() external onlyMember {
        _removeMember(msg.sender);
    }

    /// @notice Says how people call the member and where its node is found. Hints.
    function describe(string calldata name, string calldata endpoint) external onlyMember {
        name.check(MAX_NAME);
        endpoint.check(MAX_ENDPOINT);
        Member storage m = _members[msg.sender];
        (m.name, m.endpoint) = (name, endpoint);
        emit Described(msg.sender, name, endpoint);
    }

    /// @notice Makes a member of the candidate that calls. It names one of the last 256 blocks to show that
    /// it follows the chain; that it signed the transaction shows that the key is there.
    function attest(uint256 number, bytes32 hash) external {
        Candidate memory c = _candidates[msg.sender];
        if (c.place == 0) revert NotACandidate(msg.sender);
        if (msg.sender != tx.origin) revert NotByItsKey(msg.sender); // a contract cannot sign votes
        if (block.timestamp > c.until) revert CandidateExpired(msg.sender, c.until);
        bytes32 known = blockhash(number);
        if (known == 0) revert NotRecent(number, block.number - 1);
        if (known != hash) revert NotTheBlock(number, known);
        emit Attested(msg.sender, number, hash);
        _dropEntry(msg.sender);
        string memory endpoint;
        if (c.replaces != address(0)) {
            if (!isMember(c.replaces)) revert Unknown(c.replaces);
            (c.name, endpoint) = (_members[c.replaces].name, _members[c.replaces].endpoint);
            _addMember(msg.sender, c, endpoint);
            _removeMember(c.replaces);
            _owners[keccak256(c.nodeId)] = msg.sender; // it may have been the old key's
        } else {
            _addMember(msg.sender, c, endpoint);
        }
    }

    // For everybody.

    /// @notice Drops a candidate that has not attested in time.
    function dropExpired(address validator) external {
        Candidate storage c = _candidates[validator];
        if (c.place == 0) revert NotACandidate(validator);
        if (block.timestamp <= c.until) revert CandidateNotExpired(validator, c.until);
        _dropCandidate(validator);
    }

    /// @inheritdoc IMembers
    function isMember(address account) public view returns (bool) {
        return _members[account].place != 0;
    }

    /// @inheritdoc IMembers
    function countMembers(address[] calldata accounts) external view returns (uint256 count) {
        for (uint256 i = 0; i < accounts.length; i++) {
            if (isMember(accounts[i])) count++;
        }
    }

    /// @inheritdoc IMembers
    function rules() external view returns (uint256, uint256, uint256, uint256) {
        return (_list.length, _approvalPercent, _turnoutPercent, _proposalSeconds);
    }

    /// @notice The set from the next epoch boundary on, in no order.
    function members() external view returns (address[] memory) {
        return _list;
    }

    /// @notice A member; its place is 0 if it is none.
    function member(address validator) external view returns (Member memory) {
        return _members[validator];
    }

    /// @notice Who was voted in and has not yet attested, in no order.
    function candidates() external view returns (address[] memory) {
        return _candidateList;
    }

    /// @notice A candidate; its place is 0 if it is none.
    function candidate(address validator) external view returns (Candidate memory) {
        return _candidates[validator];
    }

    /// @notice Whose node id this is, among members and candidates; zero if nobody's.
    function ownerOf(bytes calldata nodeId) external view returns (address) {
        return _owners[keccak256(nodeId)];
    }

    /// @notice Grows with every change of the set.
    function version() external view returns (uint64) {
        return _version;
    }

    function _addCandidate(address validator, address replaces, bytes calldata nodeId, string memory name) private {
        if (validator == address(0)) revert ZeroAddress();
        nodeId.checkNodeId();
        if (isMember(validator)) revert MemberAlready(validator);
        _dropIfExpired(validator);
        if (_candidates[validator].place != 0) revert CandidateAlready(validator, _candidates[validator].until);
        bytes32 key = keccak256(nodeId);
        _dropIfExpired(_owners[key]);
        if (_owners[key] == address(0)) _owners[key] = validator;
        else if (_owners[key] != replaces) revert NodeIdTaken(nodeId, _owners[key]);
        if (_candidateList.length >= MAX_CANDIDATES) revert TooManyCandidates(MAX_CANDIDATES);
        _candidateList.push(validator);
        uint64 until = uint64(block.timestamp + _proposalSeconds);
        _candidates[validator] = Candidate(uint32(_candidateList.length), until, replaces, nodeId, name);
        emit CandidateAdded(validator, replaces, nodeId, name, until);
    }

    function _dropIfExpired(address validator) private {
        Candidate storage c = _candidates[validator];
        if (c.place != 0 && block.timestamp > c.until) _dropCandidate(validator);
    }

    function _dropCandidate(address validator) private {
        _release(_candidates[validator].nodeId, validator);
        _dropEntry(validator);
        emit CandidateDropped(validator);
    }

    function _dropEntry(address validator) private {
        uint32 place = _candidates[validator].place;
        address last = _candidateList[_candidateList.length - 1];
        (_candidateList[place - 1], _candidates[last].place) = (last, place);
        _candidateList.pop();
        delete _candidates[validator];
    }

    function _addMember(address validator, Candidate memory c, string memory endpoint) private {
        _list.push(validator);
        _members[validator] = Member(uint32(_list.length), c.nodeId, c.name, endpoint);
        _version++;
        emit MemberAdded(validator, c.nodeId, c.name);
    }

    function _removeMember(address validator) private {
        if (_list.length == 1) revert LastMember(validator);
        _release(_members[validator].nodeId, validator);
        uint32 place = _members[validator].place;
        address last = _list[_list.length - 1];
        (_list[place - 1], _members[last].place) = (last, place);
        _list.pop();
        delete _members[validator];
        _version++;
        emit MemberRemoved(validator);
    }

    /// @dev Frees a node id if it is this validator's.
    function _release(bytes memory nodeId, address validator) private {
        bytes32 key = keccak256(nodeId);
        if (_owners[key] == validator) delete _owners[key];
    }
}
