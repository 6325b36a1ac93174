package suggest

import (
	"fmt"
	"strings"
)

// maxDistance is the share of a word's letters, one in maxDistance, that may
// differ for it to count as a slip.
const maxDistance = 2

// Closest returns the candidate with the smallest edit distance to word, or ""
// when none is near. Of equally near ones the first wins.
func Closest(word string, candidates []string) string {
	best, bestDistance := "", len(word)/maxDistance+1
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// Hint returns `, did you mean "x"?`, or the list of candidates when none is
// near, ready to be appended to an error.
func Hint(word string, candidates []string) string {
	if c := Closest(word, candidates); c != "" {
		return fmt.Sprintf(", did you mean %q?", c)
	}
	return fmt.Sprintf(", known are: %s", strings.Join(candidates, ", "))
}

// distance is the number of letters to insert, delete, replace or swap with
// the neighbour (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
