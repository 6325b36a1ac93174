// Package suggest finds the word that somebody most likely meant, so that an
// error about an unknown key or command can say it.
//
//	"chianId" ─► Closest(…, ["chainId", "alloc", …]) ─► "chainId"
//
// It compares by edit distance, ignoring case, and stays silent when nothing
// is near: a wrong guess misleads more than none. It knows no vocabulary of
// its own.
package suggest
