package config

import (
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/quorate/quorate/rpc"
)

// limitSettings returns one setting per field of rpc.Limits, all under
// rpc.limits. A limit that is added there is a setting without a word here.
func limitSettings() []Setting {
	defaults := reflect.ValueOf(rpc.DefaultLimits())
	out := make([]Setting, defaults.NumField())
	for i := range out {
		name := defaults.Type().Field(i).Name
		out[i] = Setting{
			Key: rpc.LimitKey(name), Default: fmt.Sprint(defaults.Field(i).Interface()), Usage: rpc.LimitText(name),
			set: one(func(c *Config, v string) error { return setLimit(reflect.ValueOf(&c.Limits).Elem().Field(i), v) }),
		}
	}
	return out
}

// setLimit reads a whole number or a time. What is too small or too large is
// found by rpc.Limits.Validate, together with what does not fit together.
func setLimit(field reflect.Value, v string) error {
	if field.Type() == reflect.TypeFor[time.Duration]() {
		d, err := time.ParseDuration(v)
		if err != nil {
			return fmt.Errorf("%q is no time: a number and a unit as in 10s, 500ms or 2m are expected", v)
		}
		field.SetInt(int64(d))
		return nil
	}
	n, err := strconv.ParseUint(v, 10, 63)
	if err != nil {
		return fmt.Errorf("%q is no whole number", v)
	}
	if field.CanUint() {
		field.SetUint(n)
	} else {
		field.SetInt(int64(n)) //nolint:gosec // below 2^63
	}
	return nil
}
