package rpc

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// stopped is closed when the test ends.
func stopped(t *testing.T) <-chan struct{} {
	c := make(chan struct{})
	t.Cleanup(func() { close(c) })
	return c
}

// TestPlaces: no more work at once than there are places, and who waits too long is
// told what for.
func TestPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPlaces(2, "calls", stopped(t))
		release := make(chan struct{})
		var busy sync.WaitGroup
		for range 2 {
			busy.Go(func() {
				got, err := Work(t.Context(), AnyTurn, p, func() (int, error) {
					<-release
					return 7, nil
				})
				if got != 7 || err != nil {
					t.Errorf("%d, %v", got, err)
				}
			})
		}
		synctest.Wait()
		late, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := Work(late, AnyTurn, p, func() (int, error) { panic("there is no place") })
		var told *Error
		if !errors.As(err, &told) || told.Code != CodeTimeout || !strings.HasSuffix(err.Error(), "other calls") {
			t.Errorf("%v", err)
		}
		close(release)
		busy.Wait()
		if _, err := Work(t.Context(), AnyTurn, p, func() (int, error) { return 0, errors.ErrUnsupported }); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%v", err)
		}
	})
}

// TestPlacesTurn: who has had his turn takes no place.
func TestPlacesTurn(t *testing.T) {
	refused := LimitExceeded("no")
	turn := Turn(func(context.Context) (func(), error) { return nil, refused })
	if _, err := Work(t.Context(), turn, NewPlaces(0, "calls", nil), func() (int, error) { return 0, nil }); !errors.Is(err, error(refused)) {
		t.Errorf("%v", err)
	}
}

// TestPlacesPanic: a panic ends the call, not the node, tells where it was, and gives
// the place back.
func TestPlacesPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPlaces(1, "calls", stopped(t))
		func() {
			defer func() {
				if said, _ := recover().(string); !strings.HasPrefix(said, "broken\n") || !strings.Contains(said, "places_test.go") {
					t.Errorf("recovered %q", said)
				}
			}()
			_, _ = Work(t.Context(), AnyTurn, p, func() (int, error) { panic("broken") })
		}()
		if got, err := Work(t.Context(), AnyTurn, p, func() (int, error) { return 3, nil }); got != 3 || err != nil {
			t.Errorf("%d, %v", got, err)
		}
	})
}
