package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/rpc/access"
)

func (a *app) rpcCmd() *cobra.Command {
	c := &cobra.Command{
		Use:     "rpc",
		Short:   "Let people and programs into a node's JSON-RPC",
		Example: "  quorate rpc token --key token.key --subject wallet --permissions eth:*,net:*",
	}
	c.AddCommand(a.rpcTokenCmd())
	return c
}

// tokenDoc is what is said of a new token.
type tokenDoc struct {
	Token       string    `json:"token"`
	Subject     string    `json:"subject"`
	Permissions []string  `json:"permissions"`
	Expires     time.Time `json:"expires"`
}

func (a *app) rpcTokenCmd() *cobra.Command {
	var key string
	var expires time.Duration
	var g access.Grant
	c := &cobra.Command{
		Use:   "token",
		Short: "Make a bearer token for JSON-RPC",
		Long: `Make a bearer token for JSON-RPC and print it.

The key is a private key in PEM (RSA: RS256, P-256: ES256), whose public key the
node has in rpc.auth.jwt_keys, or a secret in hex that the node has too (HS256).
A permission is NAMESPACE:METHOD, NAMESPACE:* or *:*, as for Besu. A token cannot
be called back before it expires but by changing the key: keep the time short.`,
		Example: `  quorate rpc token --key token.key --subject wallet --permissions eth:*,net:* --expires 24h > wallet.token
  quorate rpc token --key token.key --subject ops --permissions '*:*' --expires 15m`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "key", "subject", "permissions"); err != nil {
				return err
			}
			if expires <= 0 {
				return withCode(exitUsage, errors.New("--expires must be above 0"))
			}
			g.From = time.Now()
			g.Until = g.From.Add(expires)
			token, err := access.Issue(key, g)
			if errors.Is(err, os.ErrNotExist) {
				return err
			}
			if err != nil {
				return withCode(exitInvalid, err)
			}
			if !a.json {
				_, err = fmt.Fprintln(c.OutOrStdout(), token)
				return err
			}
			return a.print(c, tokenDoc{token, g.Subject, g.Permissions, g.Until.UTC().Truncate(time.Second)})
		},
	}
	c.Flags().StringVar(&key, "key", "", "file of the key that signs: private key in PEM, or secret in hex")
	c.Flags().StringVar(&g.Subject, "subject", "", "who the token is for; limits count by it, logs name it")
	c.Flags().StringSliceVar(&g.Permissions, "permissions", nil, "what it may call, separated by commas")
	c.Flags().StringVar(&g.Audience, "audience", "", "the node's rpc.auth.jwt_audience, if it has one")
	c.Flags().StringVar(&g.Issuer, "issuer", "", "the node's rpc.auth.jwt_issuer, if it has one")
	c.Flags().DurationVar(&expires, "expires", time.Hour, "how long it is good")
	return c
}
