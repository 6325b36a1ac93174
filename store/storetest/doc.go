// Package storetest has what tests of durability need: a file system whose power
// fails. Only tests use it.
package storetest
