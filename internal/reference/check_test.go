package reference

import "testing"

// TestFirstDifference: a comparison that finds nothing would keep every document
// forever.
func TestFirstDifference(t *testing.T) {
	for _, row := range []struct{ have, code, want string }{
		{"a\nb\n", "a\nb\n", ""},
		{"a\nb\n", "a\nc\n", "file: b\ncode: c"},
		{"a\n", "a\nb\n", "file: \ncode: b"},
		{"a", "a\n", "file: \ncode: "},
		{"a\nb", "a", "file: b\ncode: "},
	} {
		if got := firstDifference(row.have, row.code); got != row.want {
			t.Errorf("%q against %q: %q, want %q", row.have, row.code, got, row.want)
		}
	}
}
