package reference

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quorate/quorate/internal/bubble"
)

// descText reads what a descriptor prints, the only way to its fields.
var descText = regexp.MustCompile(`^Desc\{fqName: "([^"]*)", help: "(.*)", unit: "[^"]*", constLabels: \{.*\}, variableLabels: \{(.*)\}\}$`)

func TestReferenceMetrics(t *testing.T) {
	bubble.Run(t, bubble.Spec{Validators: 1}, func(c *bubble.Cluster) {
		c.StartAll(c.Members...)
		reg := c.Members[0].Node.Metrics()
		kinds := map[string]string{}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			kinds[f.GetName()] = strings.ToLower(f.GetType().String())
		}
		var rows [][]string
		for _, d := range descriptors(reg) {
			m := descText.FindStringSubmatch(d)
			if m == nil {
				t.Fatalf("unreadable descriptor %s", d)
			}
			name, help, labels := m[1], m[2], m[3]
			if !strings.HasPrefix(name, "quorate_") && !strings.HasPrefix(name, "ethereum_") {
				continue
			}
			kind := kinds[name]
			switch { // no sample here: one validator alone, on a disk in memory
			case kind == "" && strings.HasSuffix(name, "_total"):
				kind = "counter"
			case kind == "":
				kind = "gauge"
			}
			rows = append(rows, []string{Code(name), kind, Code(strings.ReplaceAll(labels, ",", ", ")), help})
		}
		if len(rows) < 40 {
			t.Fatalf("%d metrics only", len(rows))
		}
		slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
		Check(t, "metrics.md", `# Metrics

`+Code("GET /metrics")+` on the admin port, in Prometheus' text format. The figures below are the
node's. Beside them stand those of the Go runtime (`+Code("go_*")+`), of the process
(`+Code("process_*")+`) and of libp2p (`+Code("libp2p_*")+`), which are those libraries' own.

`+Table([]string{"Name", "Kind", "Labels", "Meaning"}, rows))
	})
}

func descriptors(reg *prometheus.Registry) []string {
	ch := make(chan *prometheus.Desc)
	go func() {
		reg.Describe(ch)
		close(ch)
	}()
	var out []string
	for d := range ch {
		out = append(out, d.String())
	}
	return out
}
