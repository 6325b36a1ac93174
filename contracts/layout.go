package contracts

import "github.com/ethereum/go-ethereum/crypto"

// The layout that doc.go describes. A test compares it with what solc says.
var (
	// Of every contract.
	ProposalCount = Field{0, 0, 32}
	OpenProposals = Field{1, 0, 32} // array of ids
	Proposals     = Field{2, 0, 32} // by id
	OpenOf        = Field{3, 0, 32} // by proposer: how many are open

	ProposalProposer   = Field{0, 0, 20}
	ProposalExpires    = Field{0, 20, 8} // seconds since 1970
	ProposalStatus     = Field{0, 28, 1}
	ProposalAction     = Field{1, 0, 32} // bytes
	ProposalApprovals  = Field{2, 0, 32} // array of addresses
	ProposalObjections = Field{3, 0, 32} // array of addresses

	// Of Validators.
	MemberList        = Field{4, 0, 32} // array of addresses
	Members           = Field{5, 0, 32} // by address
	CandidateList     = Field{6, 0, 32} // array of addresses
	Candidates        = Field{7, 0, 32} // by address
	NodeOwners        = Field{8, 0, 32} // by keccak256 of the node id
	ValidatorsVersion = Field{9, 0, 8}
	ProposalSeconds   = Field{9, 8, 8}
	ApprovalPercent   = Field{9, 16, 1}
	TurnoutPercent    = Field{9, 17, 1}

	MemberPlace    = Field{0, 0, 4}
	MemberNodeID   = Field{1, 0, 32} // bytes
	MemberName     = Field{2, 0, 32} // string
	MemberEndpoint = Field{3, 0, 32} // string

	CandidatePlace    = Field{0, 0, 4}
	CandidateUntil    = Field{0, 4, 8} // seconds since 1970
	CandidateReplaces = Field{0, 12, 20}
	CandidateNodeID   = Field{1, 0, 32} // bytes
	CandidateName     = Field{2, 0, 32} // string

	// Of Senders, Deployers and Observers.
	Accounts    = Field{4, 0, 32} // array of addresses
	Entries     = Field{5, 0, 32} // by address
	FrozenCount = Field{6, 0, 8}
	Closed      = Field{6, 8, 1} // not of Observers

	EntryRole   = Field{0, 0, 1}
	EntryFrozen = Field{0, 1, 1}
	EntryPlace  = Field{0, 2, 8}

	// Of Observers.
	NodeKeys     = Field{7, 0, 32} // array of keccak256 of node ids
	Nodes        = Field{8, 0, 32} // by keccak256 of the node id
	NodesVersion = Field{9, 0, 8}

	NodePlace  = Field{0, 0, 8}
	NodeBy     = Field{0, 8, 20}
	NodeNodeID = Field{1, 0, 32} // bytes
	NodeName   = Field{2, 0, 32} // string

	// Of Parameters.
	Values            = Field{4, 0, 32} // by name
	ForkList          = Field{5, 0, 32} // array of names
	ForkTimes         = Field{6, 0, 8}  // by name, seconds since 1970
	ParametersVersion = Field{7, 0, 8}
)

// RecoveryCount is where the chain itself counts the recoveries of the network, in the
// storage of Validators: keccak256("quorate/recoveries"), a slot that no variable of a
// contract comes to lie on. Recovery i, from 0 on, is the two words from Item(…, 2i) on:
// its digest, and the fields below.
var RecoveryCount = crypto.Keccak256Hash([]byte("quorate/recoveries"))

// Of a recovery.
var (
	RecoveryNumber = Field{1, 0, 8} // of the last block before it
	RecoveryEnds   = Field{1, 8, 8} // the epoch that it ended
)

// Names of parameters.
const (
	EpochLength       = "epochLength"
	PrimarySpan       = "primarySpan"
	BlockGasLimit     = "blockGasLimit"
	MinGasPrice       = "minGasPrice"
	TransactionGasCap = "transactionGasCap"
)

// Limits of the contracts. A test compares them with the contracts' own.
const (
	MaxMembers    = 1024 // members, and candidates that would be more of them
	MaxCandidates = 64
	MaxNodes      = 1024 // observers
	MaxName       = 64   // bytes of a name
	MaxEndpoint   = 256  // bytes of an endpoint
	MaxForks      = 32
	MaxAction     = 1024 // bytes of a proposal's action
	MaxOpen       = 8    // open proposals of one member
	NodeIDLength  = 39   // bytes of a node id: the peer id of a secp256k1 key
)
