package storetest

import (
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// PowerCut is a file system in memory that remembers what is on the disk at one of its
// syncs, counted from 1. Whoever uses it goes on and notices nothing. Safe for
// concurrent use, as by Pebble's own threads.
type PowerCut struct {
	at  int
	cfg vfs.CrashCloneCfg
	mem *vfs.MemFS

	mu    sync.Mutex
	syncs int
	after *vfs.MemFS
}

// NewPowerCut returns a file system whose power fails at a sync.
func NewPowerCut(at int, cfg vfs.CrashCloneCfg) *PowerCut {
	return &PowerCut{at: at, cfg: cfg, mem: vfs.NewCrashableMem()}
}

// FS returns the file system.
func (p *PowerCut) FS() vfs.FS {
	return errorfs.Wrap(p.mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
			p.sync()
		}
		return nil
	}))
}

func (p *PowerCut) sync() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.syncs++; p.syncs == p.at {
		p.after = p.mem.CrashClone(p.cfg)
	}
}

// Begin counts from now on, and forgets what was.
func (p *PowerCut) Begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.syncs, p.after = 0, nil
}

// After returns the disk as the power cut left it, and true; or, if there were fewer
// syncs, as it would be now, and false.
func (p *PowerCut) After() (disk *vfs.MemFS, failed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.after != nil {
		return p.after, true
	}
	return p.mem.CrashClone(vfs.CrashCloneCfg{}), false
}
