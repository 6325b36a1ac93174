package rpc

// Decision says of a method that clients know from go-ethereum, or from the
// execution API, whether it is served here.
type Decision struct {
	Method string // without namespace, as on the wire; a subscription as subscribe("x")
	Served bool
	Why    string // what is different here, or why it is not served; "" for served as usual
}

// NotServed is what a client hears of a method that is not served: -32601 with
// this text, in which the method stands for %s.
const NotServed = "the method %s does not exist/is not available"
