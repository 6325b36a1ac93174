package main

import "context"

func runMechanical(context.Context, *plan, options) error { return nil }
