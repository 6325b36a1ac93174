package tables

// Version is that of the schema, in PRAGMA user_version.
const Version = 1

// tableCount is how many tables the schema has.
const tableCount = 6

// schema makes a new file. Numbers that fit are integers, wei and other numbers of 256
// bits are decimal text, bytes are 0x and lower-case hex, as in JSON-RPC.
const schema = `
CREATE TABLE network (genesis TEXT NOT NULL);
CREATE TABLE blocks (
	number INTEGER PRIMARY KEY, hash TEXT NOT NULL, parent_hash TEXT NOT NULL, timestamp INTEGER NOT NULL,
	miner TEXT NOT NULL, gas_limit INTEGER NOT NULL, gas_used INTEGER NOT NULL, base_fee TEXT NOT NULL,
	size INTEGER NOT NULL, state_root TEXT NOT NULL, transaction_count INTEGER NOT NULL,
	epoch INTEGER, view INTEGER, signers INTEGER
);
CREATE TABLE transactions (
	block_number INTEGER NOT NULL, transaction_index INTEGER NOT NULL, hash TEXT NOT NULL, type INTEGER NOT NULL,
	sender TEXT NOT NULL, recipient TEXT, value TEXT NOT NULL, nonce INTEGER NOT NULL,
	gas INTEGER NOT NULL, gas_price TEXT NOT NULL, input TEXT NOT NULL,
	PRIMARY KEY (block_number, transaction_index)
) WITHOUT ROWID;
CREATE TABLE receipts (
	block_number INTEGER NOT NULL, transaction_index INTEGER NOT NULL, transaction_hash TEXT NOT NULL,
	status INTEGER NOT NULL, gas_used INTEGER NOT NULL, cumulative_gas_used INTEGER NOT NULL,
	effective_gas_price TEXT NOT NULL, contract_address TEXT,
	PRIMARY KEY (block_number, transaction_index)
) WITHOUT ROWID;
CREATE TABLE logs (
	block_number INTEGER NOT NULL, log_index INTEGER NOT NULL, transaction_index INTEGER NOT NULL, transaction_hash TEXT NOT NULL,
	address TEXT NOT NULL, topic0 TEXT, topic1 TEXT, topic2 TEXT, topic3 TEXT, data TEXT NOT NULL,
	PRIMARY KEY (block_number, log_index)
) WITHOUT ROWID;
CREATE TABLE token_transfers (
	block_number INTEGER NOT NULL, log_index INTEGER NOT NULL, position INTEGER NOT NULL, transaction_hash TEXT NOT NULL,
	token TEXT NOT NULL, standard TEXT NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL, token_id TEXT, value TEXT NOT NULL,
	PRIMARY KEY (block_number, log_index, position)
) WITHOUT ROWID;
CREATE INDEX blocks_timestamp ON blocks (timestamp);
CREATE INDEX transactions_hash ON transactions (hash);
CREATE INDEX transactions_sender ON transactions (sender, nonce);
CREATE INDEX transactions_recipient ON transactions (recipient);
CREATE INDEX logs_address ON logs (address, topic0);
CREATE INDEX token_transfers_token ON token_transfers (token);
CREATE INDEX token_transfers_sender ON token_transfers (sender);
CREATE INDEX token_transfers_recipient ON token_transfers (recipient);
`

// The statements by the table that they fill.
const (
	insertBlock       = `INSERT INTO blocks VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`
	insertTransaction = `INSERT INTO transactions VALUES (?,?,?,?,?,?,?,?,?,?,?)`
	insertReceipt     = `INSERT INTO receipts VALUES (?,?,?,?,?,?,?,?)`
	insertLog         = `INSERT INTO logs VALUES (?,?,?,?,?,?,?,?,?,?)`
	insertTransfer    = `INSERT INTO token_transfers VALUES (?,?,?,?,?,?,?,?,?,?)`
)
