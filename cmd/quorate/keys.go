package main

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"os"

	"github.com/ethereum/go-ethereum/common"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/quorate/quorate/keys"
)

func (a *app) keysCmd() *cobra.Command {
	c := &cobra.Command{
		Use:     "keys",
		Short:   "Make, list and import validator keys",
		Example: "  quorate keys new --keystore validator/keystore --password-file validator/password",
	}
	c.AddCommand(a.keysNewCmd(), a.keysListCmd(), a.keysImportCmd())
	return c
}

// keyFlags are the flags of commands that write a key file.
type keyFlags struct {
	dir      string
	password string
	light    bool
}

func (f *keyFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.dir, "keystore", "keystore", "directory of key files")
	c.Flags().StringVar(&f.password, "password-file", "", "file whose first line protects the key (default: ask on the terminal)")
	c.Flags().BoolVar(&f.light, "light-kdf", false, lightUsage)
}

// secret returns the password, from the file or from the terminal.
func (f *keyFlags) secret(c *cobra.Command) (string, error) {
	if f.password != "" {
		return keys.ReadPassword(f.password)
	}
	in, ok := c.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", withCode(exitUsage, errors.New("--password-file is needed: there is no terminal to ask on"))
	}
	ask := func(text string) (string, error) {
		fmt.Fprint(c.ErrOrStderr(), text)
		line, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(c.ErrOrStderr())
		return string(line), err
	}
	first, err := ask("Password: ")
	if err != nil {
		return "", err
	}
	second, err := ask("The same again: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords differ")
	}
	return first, nil
}

// keyDoc is what is said of a key file.
type keyDoc struct {
	Address common.Address `json:"address"`
	File    string         `json:"file"`
	Voted   string         `json:"voted"`
}

// describe adds what is known of the key's votes.
func describe(dir string, e keys.Entry) keyDoc {
	doc := keyDoc{Address: e.Address, File: e.Path}
	v, err := keys.OpenVoted(dir, e.Address).Load()
	switch {
	case errors.Is(err, keys.ErrVotedUnknown):
		doc.Voted = "unknown"
	case err != nil:
		doc.Voted = "damaged"
	case !v.Ever:
		doc.Voted = "never"
	default:
		doc.Voted = fmt.Sprintf("epoch %d", v.Epoch)
	}
	return doc
}

func (a *app) keysNewCmd() *cobra.Command {
	var f keyFlags
	c := &cobra.Command{
		Use:     "new",
		Short:   "Make a validator key",
		Example: "  quorate keys new --keystore validator/keystore --password-file validator/password",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			password, err := f.secret(c)
			if err != nil {
				return err
			}
			e, err := keys.New(f.dir, password, strength(f.light))
			if err != nil {
				return err
			}
			return a.print(c, describe(f.dir, e), "address  "+e.Address.Hex(), "file     "+e.Path)
		},
	}
	f.add(c)
	return c
}

func (a *app) keysListCmd() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:     "list",
		Short:   "List key files, and what is known of their votes",
		Example: "  quorate keys list --keystore validator/keystore",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := os.Stat(dir); err != nil {
				return err
			}
			all, err := keys.List(dir)
			if err != nil {
				return err
			}
			docs := make([]keyDoc, len(all))
			lines := make([]string, len(all))
			for i, e := range all {
				docs[i] = describe(dir, e)
				lines[i] = fmt.Sprintf("%s  voted: %-9s  %s", e.Address.Hex(), docs[i].Voted, e.Path)
			}
			if len(all) == 0 {
				lines = []string{"no key files in " + dir}
			}
			return a.print(c, docs, lines...)
		},
	}
	c.Flags().StringVar(&dir, "keystore", "keystore", "directory of key files")
	return c
}

func (a *app) keysImportCmd() *cobra.Command {
	var f keyFlags
	var never bool
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Import a private key of 64 hexadecimal digits",
		Long: `Import a private key of 64 hexadecimal digits.

Nobody here knows whether this key has voted before. If it is certain that it has
never voted anywhere, --never-voted writes that beside the key. A key that has
voted needs the journal of its votes, in the data directory of its node: with an
empty one it may contradict its own earlier vote.`,
		Example: "  quorate keys import key.hex --keystore validator/keystore --password-file validator/password",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			key, err := readKey(args[0])
			if err != nil {
				return err
			}
			password, err := f.secret(c)
			if err != nil {
				return err
			}
			e, err := keys.Store(f.dir, key, password, strength(f.light), never)
			if err != nil {
				return err
			}
			return a.print(c, describe(f.dir, e), "address  "+e.Address.Hex(), "file     "+e.Path)
		},
	}
	f.add(c)
	c.Flags().BoolVar(&never, "never-voted", false, "this key has never voted in any network")
	return c
}

// readKey reads a file with a private key.
func readKey(path string) (*ecdsa.PrivateKey, error) {
	blob, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := keys.ParseKey(string(blob))
	if err != nil {
		return nil, withCode(exitInvalid, fmt.Errorf("%s: %w", path, err))
	}
	return key, nil
}
