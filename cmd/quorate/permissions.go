package main

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/spf13/cobra"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/govern"
)

func (a *app) permissionsCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "permissions",
		Short: "Who may send, who may deploy, and which nodes may observe",
		Example: `  quorate permissions list senders
  quorate permissions set senders 0x… enabled --keystore admin --password-file admin.password`,
	}
	c.AddCommand(a.permissionsListCmd(), a.permissionsGetCmd(), a.permissionsSetCmd(), a.nodeCmd(true), a.nodeCmd(false))
	return c
}

// listArg reads the name of a list.
func listArg(name string) (contracts.Contract, error) {
	l, err := govern.ListNamed(name)
	return l, withCode(exitUsage, err)
}

func (a *app) permissionsListCmd() *cobra.Command {
	var f nodeFlags
	c := &cobra.Command{
		Use:     "list [senders|deployers|observers]",
		Short:   "List the accounts with a role, frozen accounts, and the nodes of observers",
		Example: "  quorate permissions list observers",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			lists := govern.Lists()
			if len(args) == 1 {
				one, err := listArg(args[0])
				if err != nil {
					return err
				}
				lists = []contracts.Contract{one}
			}
			return f.view(c.Context(), func(ctx context.Context, v *govern.View) error {
				var docs []*govern.List
				var lines []string
				for _, contract := range lists {
					l, err := v.List(ctx, contract)
					if err != nil {
						return err
					}
					docs, lines = append(docs, l), append(lines, listLines(l)...)
				}
				return a.print(c, docs, lines...)
			})
		},
	}
	f.add(c)
	return c
}

func listLines(l *govern.List) []string {
	state := "open: everybody whose account is not frozen"
	if l.Closed {
		state = "closed: accounts with a role"
	}
	out := []string{fmt.Sprintf("%s, %s", l.Name, state)}
	for _, x := range l.Accounts {
		out = append(out, "  "+accountLine(&x))
	}
	for _, n := range l.Nodes {
		by := "genesis"
		if n.By != (common.Address{}) {
			by = n.By.Hex()
		}
		out = append(out, fmt.Sprintf("  node %s  %s, let in by %s", n.NodeID, n.Name, by))
	}
	return out
}

func accountLine(x *govern.Account) string {
	line := fmt.Sprintf("%s  %s", x.Address, x.Role)
	if x.Frozen {
		line += ", frozen"
	}
	if x.Allowed {
		return line + ", may"
	}
	return line + ", may not"
}

func (a *app) permissionsGetCmd() *cobra.Command {
	var f nodeFlags
	c := &cobra.Command{
		Use:     "get senders|deployers|observers ADDRESS",
		Short:   "Show what an account may do",
		Example: "  quorate permissions get senders 0x…",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			list, err := listArg(args[0])
			if err != nil {
				return err
			}
			account, err := parseAddress(args[1])
			if err != nil {
				return err
			}
			return f.view(c.Context(), func(ctx context.Context, v *govern.View) error {
				x, err := v.Account(ctx, list, account)
				if err != nil {
					return err
				}
				return a.print(c, x, accountLine(x))
			})
		},
	}
	f.add(c)
	return c
}

func (a *app) permissionsSetCmd() *cobra.Command {
	var f actFlags
	var propose bool
	c := &cobra.Command{
		Use:   "set LIST ADDRESS none|enabled|manager|admin|frozen|unfrozen, or set LIST open|closed",
		Short: "Give an account a role, freeze it, or open or close a list",
		Long: `Give an account a role, freeze it or let it go; or open or close a list.

LIST is senders, deployers or observers. An account with the role admin does it by
itself; --propose has the members vote, who may do what an admin may. Only they open
and close a list. All of it holds from the next transaction on.`,
		Example: `  quorate permissions set senders 0x… enabled --keystore admin --password-file admin.password
  quorate permissions set deployers 0x… frozen --propose --dir acme
  quorate permissions set senders closed --propose --dir acme`,
		Args: cobra.RangeArgs(2, 3),
		RunE: func(c *cobra.Command, args []string) error {
			call, err := permissionCall(args)
			if err != nil {
				return withCode(exitUsage, err)
			}
			return a.carryOut(c, &f, propose || len(args) == 2, call)
		},
	}
	c.Flags().BoolVar(&propose, "propose", false, "propose it to the members instead of doing it as an admin")
	f.add(c)
	return c
}

func permissionCall(args []string) (govern.Call, error) {
	list, err := govern.ListNamed(args[0])
	if err != nil {
		return govern.Call{}, err
	}
	if len(args) == 2 {
		return govern.SetClosed(list, args[1])
	}
	account, err := parseAddress(args[1])
	if err != nil {
		return govern.Call{}, err
	}
	return govern.SetAccount(list, account, args[2])
}

// nodeCmd lets an observer's node in, or takes it out.
func (a *app) nodeCmd(in bool) *cobra.Command {
	var f actFlags
	var propose bool
	var name string
	c := &cobra.Command{
		Use:     "remove-node ID",
		Short:   "Take an observer's node out",
		Long:    "Take an observer's node out, by an account with a role among the observers, or with\n--propose by the members' vote.",
		Example: "  quorate permissions remove-node 16Uiu2HA… --keystore admin --password-file admin.password",
		Args:    cobra.ExactArgs(1),
	}
	if in {
		c.Use, c.Short = "add-node ID --name N", "Let an observer's node in"
		c.Long = "Let an observer's node in: it may connect and follow the chain, without a vote. By an\naccount with a role among the observers, or with --propose by the members' vote."
		c.Example = "  quorate permissions add-node 16Uiu2HA… --name auditor --propose --dir acme"
		c.Flags().StringVar(&name, "name", "", "name of the node, for people")
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		id, err := parseNodeID(args[0])
		if err != nil {
			return err
		}
		call := govern.Call{To: contracts.Observers, Method: "removeNode", Args: []any{id}}
		if in {
			if err := required(c, "name"); err != nil {
				return err
			}
			call.Method, call.Args = "addNode", append(call.Args, name)
		}
		return a.carryOut(c, &f, propose, call)
	}
	c.Flags().BoolVar(&propose, "propose", false, "propose it to the members instead of doing it by a role")
	f.add(c)
	return c
}
