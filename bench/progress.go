package bench

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar shows progress on a terminal; a nil bar shows nothing.
type bar struct{ *progressbar.ProgressBar }

func newBar(w io.Writer, n int, what string) *bar {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return &bar{progressbar.NewOptions(n,
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what), progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionSetItsString("tx"),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())}
}

func (b *bar) add(n int) {
	if b != nil {
		_ = b.Add(n) // a terminal that is gone is no reason to stop measuring
	}
}

func (b *bar) close() {
	if b != nil {
		_ = b.Finish()
	}
}
