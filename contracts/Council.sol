// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title What a council must know of the members of the network.
interface IMembers {
    /// @notice Whether an account is a member, and so may propose and vote.
    function isMember(address account) external view returns (bool);

    /// @notice How many of these accounts are members.
    function countMembers(address[] calldata accounts) external view returns (uint256);

    /// @notice The rules of votes, as genesis set them.
    /// @return members how many there are
    /// @return approvalPercent a proposal passes when more than this share of the members approves
    /// @return turnoutPercent and at least this share has voted, either way
    /// @return proposalSeconds how long a proposal can be voted on
    function rules()
        external
        view
        returns (uint256 members, uint256 approvalPercent, uint256 turnoutPercent, uint256 proposalSeconds);
}

/// @title Votes of the members: the one place where decisions of the network are made.
/// @notice A proposal is a call of the contract to itself: `propose(abi.encodeCall(this.remove, (a)))`.
/// Functions that only the members may decide on accept no other caller. A proposal is carried out in
/// the transaction whose vote makes it pass.
/// @dev Votes are counted against the members at the time of counting: the vote of an account that
/// is no member any more does not count. State variables come first in the layout of every council.
abstract contract Council {
    /// @notice The members, at their fixed address.
    IMembers internal constant MEMBERS = IMembers(0x71756f7261746500000000000000000000000002);

    /// @notice Bytes of an action: a call with a node id, a name and a network address.
    uint256 public constant MAX_ACTION = 1024;
    /// @notice Open proposals of one member: one alone cannot fill the list.
    uint256 public constant MAX_OPEN = 8;

    enum Status {
        None,
        Open,
        Passed,
        Rejected, // can no longer pass
        Withdrawn,
        Expired
    }

    struct Proposal {
        address proposer;
        uint64 expires; // the last second in which votes count
        Status status;
        bytes action;
        address[] approvals;
        address[] objections;
    }

    error NotAMember(address account);
    error NotTheCouncil(address caller);
    error NotTheProposer(uint256 id, address proposer);
    error NotOpen(uint256 id, Status status);
    error NotExpired(uint256 id, uint64 expires);
    error TooLate(uint256 id, uint64 expires);
    error VotedAlready(uint256 id, address member);
    error TooManyOpen(address proposer, uint256 most);
    error BadAction(uint256 length, uint256 most);
    /// @dev The action could be carried out now; never seen outside.
    error Rehearsed();

    event Proposed(uint256 indexed id, address indexed proposer, bytes action, uint64 expires);
    event Voted(uint256 indexed id, address indexed member, bool approve);
    event ProposalClosed(uint256 indexed id, Status status);

    uint256 private _proposalCount;
    uint256[] private _openIds;
    mapping(uint256 id => Proposal) private _proposals;
    mapping(address proposer => uint256) private _openOf;

    /// @dev Only by a vote.
    modifier onlyCouncil() {
        if (msg.sender != address(this)) revert NotTheCouncil(msg.sender);
        _;
    }

    modifier onlyMember() {
        if (!MEMBERS.isMember(msg.sender)) revert NotAMember(msg.sender);
        _;
    }

    /// @notice Proposes a call of this contract to itself, and votes for it. What could not be carried
    /// out now is refused with the reason.
    function propose(bytes calldata action) external onlyMember returns (uint256 id) {
        if (action.length < 4 || action.length > MAX_ACTION) revert BadAction(action.length, MAX_ACTION);
        if (_openOf[msg.sender] == MAX_OPEN) revert TooManyOpen(msg.sender, MAX_OPEN);
        try this.rehearse(action) {}
        catch (bytes memory why) {
            if (bytes4(why) != Rehearsed.selector) _revertWith(why);
        }
        (,,, uint256 lifetime) = MEMBERS.rules();
        id = ++_proposalCount;
        Proposal storage p = _proposals[id];
        (p.proposer, p.expires, p.status, p.action) =
            (msg.sender, uint64(block.timestamp + lifetime), Status.Open, action);
        _openIds.push(id);
        _openOf[msg.sender]++;
        emit Proposed(id, msg.sender, action, p.expires);
        p.approvals.push(msg.sender);
        emit Voted(id, msg.sender, true);
        _tally(id, p);
    }

    /// @notice Votes, once and for good.
    function vote(uint256 id, bool approve) external onlyMember {
        Proposal storage p = _votable(id);
        if (_contains(p.approvals, msg.sender) || _contains(p.objections, msg.sender)) {
            revert VotedAlready(id, msg.sender);
        }
        (approve ? p.approvals : p.objections).push(msg.sender);
        emit Voted(id, msg.sender, approve);
        _tally(id, p);
    }

    /// @notice Counts again, for when the members have changed. Anybody may ask.
    function tally(uint256 id) external {
        _tally(id, _votable(id));
    }

    /// @notice Takes one's own proposal back.
    function withdraw(uint256 id) external {
        Proposal storage p = _open(id);
        if (msg.sender != p.proposer) revert NotTheProposer(id, p.proposer);
        _close(id, p, Status.Withdrawn);
    }

    /// @notice Closes a proposal whose time is over. Anybody may do it.
    function expire(uint256 id) external {
        Proposal storage p = _open(id);
        if (block.timestamp <= p.expires) revert NotExpired(id, p.expires);
        _close(id, p, Status.Expired);
    }

    /// @notice How many proposals there have been; ids begin at 1.
    function proposalCount() external view returns (uint256) {
        return _proposalCount;
    }

    /// @notice The ids of those that are open, in no order, also when their time is over.
    function openProposals() external view returns (uint256[] memory) {
        return _openIds;
    }

    /// @notice A proposal; its status is None if there is none with this id.
    function proposal(uint256 id) external view returns (Proposal memory) {
        return _proposals[id];
    }

    /// @dev Carries an action out and undoes it. Reverts with Rehearsed if that went well.
    function rehearse(bytes calldata action) external onlyCouncil {
        _carryOut(action);
        revert Rehearsed();
    }

    function _open(uint256 id) private view returns (Proposal storage p) {
        p = _proposals[id];
        if (p.status != Status.Open) revert NotOpen(id, p.status);
    }

    function _votable(uint256 id) private view returns (Proposal storage p) {
        p = _open(id);
        if (block.timestamp > p.expires) revert TooLate(id, p.expires);
    }

    /// @dev Closes and carries out a proposal that passes; closes one that no longer can.
    function _tally(uint256 id, Proposal storage p) private {
        (uint256 members, uint256 approvalPercent, uint256 turnoutPercent,) = MEMBERS.rules();
        uint256 yes = MEMBERS.countMembers(p.approvals);
        uint256 no = MEMBERS.countMembers(p.objections);
        if (yes * 100 > members * approvalPercent && (yes + no) * 100 >= members * turnoutPercent) {
            _close(id, p, Status.Passed);
            _carryOut(p.action);
        } else if ((members - no) * 100 <= members * approvalPercent) {
            _close(id, p, Status.Rejected);
        }
    }

    function _close(uint256 id, Proposal storage p, Status status) private {
        p.status = status;
        _openOf[p.proposer]--;
        uint256 last = _openIds.length - 1;
        for (uint256 i = 0; i < last; i++) {
            if (_openIds[i] == id) {
                _openIds[i] = _openIds[last];
                break;
            }
        }
        _openIds.pop();
        emit ProposalClosed(id, status);
    }

    function _carryOut(bytes memory action) private {
        (bool ok, bytes memory answer) = address(this).call(action);
        if (!ok) _revertWith(answer);
    }

    /// @dev Passes an error on as it is.
    function _revertWith(bytes memory why) private pure {
        assembly ("memory-safe") {
            revert(add(why, 32), mload(why))
        }
    }

    function _contains(address[] memory list, address account) private pure returns (bool) {
        for (uint256 i = 0; i < list.length; i++) {
            if (list[i] == account) return true;
        }
        return false;
    }
}
