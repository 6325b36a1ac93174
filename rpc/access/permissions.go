package access

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// maxPermissions bounds one list of permissions: three times the methods there are.
const maxPermissions = 512

// Permissions is a set of methods. The zero value has none. It is not changed
// after it was parsed, and safe for concurrent use.
type Permissions struct {
	all        bool
	namespaces map[string]bool // of eth:*
	methods    map[string]bool // as on the wire: eth_call
	prefixes   []string        // of debug:trace*, as on the wire
}

// form is namespace:method; each may end in a star, the namespace may be one.
var form = regexp.MustCompile(`^(\*:\*|[a-zA-Z0-9]+:(\*|[a-zA-Z0-9]+\*?))$`)

// ParsePermissions reads "eth:*", "debug:traceTransaction", "debug:trace*" and
// "*:*". A namespace or method that does not exist is no error: tokens are made
// for several kinds of node.
func ParsePermissions(list []string) (Permissions, error) {
	if len(list) > maxPermissions {
		return Permissions{}, fmt.Errorf("%d permissions, at most %d are read", len(list), maxPermissions)
	}
	p := Permissions{namespaces: map[string]bool{}, methods: map[string]bool{}}
	var errs []error
	for _, s := range list {
		if !form.MatchString(s) {
			errs = append(errs, fmt.Errorf("%.80q is no permission: NAMESPACE:METHOD is expected, as in eth:call, eth:* or *:*", s))
			continue
		}
		namespace, method, _ := strings.Cut(s, ":")
		prefix, open := strings.CutSuffix(method, "*")
		switch {
		case namespace == "*":
			p.all = true
		case method == "*":
			p.namespaces[namespace] = true
		case open:
			p.prefixes = append(p.prefixes, namespace+"_"+prefix)
		default:
			p.methods[namespace+"_"+method] = true
		}
	}
	return p, errors.Join(errs...)
}

// Full reports whether every method is in the set.
func (p *Permissions) Full() bool { return p.all }

// None reports whether no method is.
func (p *Permissions) None() bool {
	return !p.all && len(p.namespaces) == 0 && len(p.methods) == 0 && len(p.prefixes) == 0
}

// Reaches reports whether any method of a namespace is in the set.
func (p *Permissions) Reaches(namespace string) bool {
	if p.all || p.namespaces[namespace] {
		return true
	}
	for m := range p.methods {
		if strings.HasPrefix(m, namespace+"_") {
			return true
		}
	}
	for _, m := range p.prefixes {
		if strings.HasPrefix(m, namespace+"_") {
			return true
		}
	}
	return false
}

// Allows reports whether a method, as on the wire, is in the set. Who may
// subscribe may also unsubscribe.
func (p *Permissions) Allows(method string) bool {
	if p.all {
		return true
	}
	namespace, _, ok := strings.Cut(method, "_")
	switch {
	case !ok:
		return false
	case strings.HasSuffix(method, "_subscribe"): // the server looks at both ends of the name only
		return p.has(namespace, namespace+"_subscribe")
	case strings.HasSuffix(method, "_unsubscribe"):
		return p.has(namespace, namespace+"_subscribe") || p.has(namespace, namespace+"_unsubscribe")
	}
	return p.has(namespace, method)
}

func (p *Permissions) has(namespace, method string) bool {
	if p.namespaces[namespace] || p.methods[method] {
		return true
	}
	for _, prefix := range p.prefixes {
		if strings.HasPrefix(method, prefix) {
			return true
		}
	}
	return false
}
