// Registry clients and serdes of Go. One job a run: JSON on standard input, JSON on standard output.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

type job struct {
	Op        string
	URL       string
	Bootstrap string
	// AVRO, JSON or PROTOBUF.
	Type string
	// What the records are: reading or order.
	Kind    string
	Topic   string
	Subject string
	// Schemas: the second reads what the first has written, the broken one does not, and the invalid one is none.
	First, Second, Broken, Invalid string
	// Base is named by the schema that refers to it.
	Base, Referring, Name string
	// Ids stand in a header.
	Header bool
	// The newest schema of the subject, and not one made of Go's types.
	Latest bool
	Values []json.RawMessage
	Count  int
}

type outcome map[string]any

func main() {
	var one job
	if err := json.NewDecoder(os.Stdin).Decode(&one); err != nil {
		panic(err)
	}
	result, err := run(one)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		panic(err)
	}
}

func run(one job) (outcome, error) {
	switch one.Op {
	case "confluent client":
		return confluentClient(one)
	case "franz client":
		return franzClient(one)
	case "confluent produce":
		return confluentProduce(one)
	case "confluent consume":
		return confluentConsume(one)
	case "franz produce":
		return franzProduce(one)
	case "franz consume":
		return franzConsume(one)
	}
	return nil, fmt.Errorf("no such job: %s", one.Op)
}
