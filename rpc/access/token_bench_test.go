package access

import (
	"crypto/elliptic"
	"crypto/sha256"
	"testing"
	"time"
)

// BenchmarkNewToken is what it costs to see a token for the first time.
func BenchmarkNewToken(b *testing.B) {
	ec, dir := ecKey(b, elliptic.P256()), b.TempDir()
	for _, row := range []struct {
		name          string
		public, owner []byte
	}{
		{"HS256", nil, secret(b)},
		{"RS256", public(b, &rsaKey().PublicKey), private(b, rsaKey())},
		{"ES256", public(b, &ec.PublicKey), private(b, ec)},
	} {
		b.Run(row.name, func(b *testing.B) {
			key := write(b, dir, row.name, row.owner)
			check := key
			if row.public != nil {
				check = write(b, dir, row.name+".pub", row.public)
			}
			g := newGuard(b, Config{TokenKeys: []string{check}}, testLimits())
			token, err := Issue(key, Grant{Subject: "x", Permissions: []string{"eth:*", "net:*"}, From: time.Now(), Until: time.Now().Add(time.Hour)})
			if err != nil {
				b.Fatal(err)
			}
			digest := sha256.Sum256([]byte(token))
			for b.Loop() {
				if _, err := g.now.Load().tokens.verify(token, digest, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
