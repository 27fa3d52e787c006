// Command consul is HashiCorp Consul, built from its published module.
package main

import (
	"fmt"
	"os"

	mcli "github.com/mitchellh/cli"

	"github.com/hashicorp/consul/command"
	"github.com/hashicorp/consul/command/cli"
	_ "github.com/hashicorp/consul/service_os"
	"github.com/hashicorp/consul/version"
)

func main() {
	ui := &cli.BasicUI{BasicUi: mcli.BasicUi{Writer: os.Stdout, ErrorWriter: os.Stderr}}
	commands := command.RegisteredCommands(ui)
	app := &mcli.CLI{
		Args:         os.Args[1:],
		Commands:     commands,
		Name:         "consul",
		Version:      version.GetHumanVersion(),
		Autocomplete: false,
		HelpFunc:     mcli.FilteredHelpFunc(names(commands), mcli.BasicHelpFunc("consul")),
		HelpWriter:   os.Stdout,
		ErrorWriter:  os.Stderr,
	}
	status, err := app.Run()
	if err != nil {
		fmt.Fprintf(os.Stderr, "consul: %v\n", err)
		status = 1
	}
	os.Exit(status)
}

func names(commands map[string]mcli.CommandFactory) []string {
	found := make([]string, 0, len(commands))
	for name := range commands {
		found = append(found, name)
	}
	return found
}
