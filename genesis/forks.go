package genesis

import "slices"

// KnownForks returns the names of the forks of the EVM whose rules this build has, oldest
// first, as the contract of the parameters writes them. All of them are active from block
// 0, so that a vote has none to schedule; a release that knows a later one adds its name,
// its field in Forks, and its time in ChainConfig.
func KnownForks() []string { return []string{"shanghai", "cancun", "prague", "osaka"} }

// KnowsFork reports whether this build has the rules of a fork.
func KnowsFork(name string) bool { return slices.Contains(KnownForks(), name) }
