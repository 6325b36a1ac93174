package rpc

// Decision says of a method that clients know from go-ethereum, or from the
// execution API, whether it is served here.
type Decision struct {
	Method string // without namespace, as on the wire; a subscription as subscribe("x")
	Served bool
	Why    string // what is different here, or why it is not served; "" for served as usual
}

// Served decides for a method; why says what is different here.
func Served(method, why string) Decision { return Decision{Method: method, Served: true, Why: why} }

// Refused decides against a method. Clients then hear NotAvailable.
func Refused(method, why string) Decision { return Decision{Method: method, Why: why} }

// NotAvailable is what a client hears of a method that is not served: -32601 with
// this text, in which the method stands for %s.
const NotAvailable = "the method %s does not exist/is not available"
