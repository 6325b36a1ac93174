package rpc

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
)

// What no limit may exceed. A limit without a bound is none, and what is made at
// the start by its size must not end the process.
const (
	maxLimit     = 1 << 40        // bytes, gas, numbers of things: sums of a few of them do not overflow
	maxLimitTime = 24 * time.Hour // of a request
	maxBuffer    = 1 << 20        // entries of a buffer that is made as a whole: when somebody subscribes, or at the start
	maxRate      = 1 << 30        // calls a second: no machine serves more
	maxHeaders   = 1 << 20        // bytes, of which a connection may hold as many before anybody has been told apart
	minDepth     = 12             // the access list of a simulated call in a batch has 11 levels
	maxDepth     = 10_000         // encoding/json goes no deeper
)

// LimitKey returns the setting of a limit: rpc.limits.batch_items of BatchItems.
func LimitKey(field string) string {
	var b strings.Builder
	b.WriteString("rpc.limits.")
	before := rune(0)
	for i, r := range field {
		if unicode.IsUpper(r) && i > 0 && unicode.IsLower(before) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
		before = r
	}
	return b.String()
}

// LimitText returns what a limit means, as its comment says; "" for no limit.
func LimitText(field string) string { return limitTexts[field] }

// Validate reports every limit that cannot work, all at once, by its setting.
func (l Limits) Validate() error {
	errs := l.ranges()
	key := LimitKey
	if l.SmallBody > l.BodyBytes {
		errs = append(errs, fmt.Errorf("%s is %d, must not exceed %s (%d)", key("SmallBody"), l.SmallBody, key("BodyBytes"), l.BodyBytes))
	}
	if l.WriteTimeout <= l.CallTimeout || l.WriteTimeout <= l.LogTimeout || l.WriteTimeout <= l.TraceTimeout {
		errs = append(errs, fmt.Errorf("%s (%s) must exceed %s (%s), %s (%s) and %s (%s): otherwise their answer is cut off",
			key("WriteTimeout"), l.WriteTimeout, key("CallTimeout"), l.CallTimeout, key("LogTimeout"), l.LogTimeout, key("TraceTimeout"), l.TraceTimeout))
	}
	if l.SyncTimeout > l.SyncMaxTimeout || l.SyncMaxTimeout >= l.WriteTimeout {
		errs = append(errs, fmt.Errorf("%s (%s), %s (%s) and %s (%s) must ascend: otherwise a receipt that comes in time is cut off",
			key("SyncTimeout"), l.SyncTimeout, key("SyncMaxTimeout"), l.SyncMaxTimeout, key("WriteTimeout"), l.WriteTimeout))
	}
	if l.TokenBytes >= l.HeaderBytes {
		errs = append(errs, fmt.Errorf("%s is %d, must be below %s (%d): a token comes in a header", key("TokenBytes"), l.TokenBytes, key("HeaderBytes"), l.HeaderBytes))
	}
	if l.SyncSends >= l.Requests {
		errs = append(errs, fmt.Errorf("%s is %d, must be below %s (%d): otherwise calls that wait keep all others out", key("SyncSends"), l.SyncSends, key("Requests"), l.Requests))
	}
	return errors.Join(errs...)
}

// ranges checks every field alone.
func (l Limits) ranges() (errs []error) {
	v := reflect.ValueOf(l)
	for i := range v.NumField() {
		name, field := v.Type().Field(i).Name, v.Field(i)
		least, most := limitRange(name)
		if d, ok := field.Interface().(time.Duration); ok {
			if d <= 0 || d > maxLimitTime {
				errs = append(errs, fmt.Errorf("%s is %s, must be above 0 and at most %s", LimitKey(name), d, maxLimitTime))
			}
			continue
		}
		var n int64
		if field.CanUint() {
			n = int64(min(field.Uint(), 1<<62)) //nolint:gosec // at most 2^62
		} else {
			n = field.Int()
		}
		if n < least || n > most {
			errs = append(errs, fmt.Errorf("%s is %d, must be between %d and %d", LimitKey(name), n, least, most))
		}
	}
	return errs
}

// limitRange returns the bounds of a number.
func limitRange(field string) (least, most int64) {
	switch field {
	case "SmallBody", "CallerHeavy": // 0: no body is small; no limit
		return 0, maxLimit
	case "CallerRate": // 0: no limit
		return 0, maxRate
	case "Callers":
		return 1, maxBuffer
	case "HeaderBytes":
		return 4096, maxHeaders
	case "Depth":
		return minDepth, maxDepth
	case "ProtocolBuffer", "FeedBuffer", "PendingBuffer", "FilterHashes":
		return 1, maxBuffer
	}
	return 1, maxLimit
}
