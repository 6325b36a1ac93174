package main

// Mutant is one planted bug.
type Mutant struct {
	Number int
	Name   string
	// Breaks are the rules that the bug violates, by their names in rules.go.
	Breaks []string
	Edits  []Edit
}

// Edit replaces one snippet of a function body. A run of white space in Old
// stands for any other, so that indentation does not matter. Old may begin with
// the head of the function, which tells equal snippets apart and stays.
type Edit struct {
	File string // relative to the module's root
	Old  string
	New  string
}

// edit makes the list of edits of a mutant with one.
func edit(file, old, replacement string) []Edit { return []Edit{{file, old, replacement}} }

// breaks makes a list of rules.
func breaks(rules ...string) []string { return rules }

// Deliberate returns the planted bugs of all tables, numbered.
func Deliberate() []Mutant {
	var all []Mutant
	for _, table := range [][]Mutant{numbersTable, orderTable, certifyTable, viewChangeTable, newViewTable, timersTable, durabilityTable, holdTable, boundsTable, guardTable, recoveryTable, statesyncTable} {
		all = append(all, table...)
	}
	for i := range all {
		all[i].Number = i + 1
	}
	return all
}
