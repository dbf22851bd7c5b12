package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

type Reading struct {
	ID    int64    `avro:"id" json:"id"`
	Name  string   `avro:"name" json:"name"`
	Value *float64 `avro:"value" json:"value,omitempty"`
	Tags  []string `avro:"tags" json:"tags"`
}

// Order has a unit that is described in a schema of its own.
type Order struct {
	ID   int64  `avro:"id" json:"id"`
	Unit string `avro:"unit" json:"unit"`
}

var files = map[string]string{
	"lab/reading.proto": `
syntax = "proto3";
package lab;
message Reading {
  int64 id = 1;
  string name = 2;
  optional double value = 3;
  repeated string tags = 4;
}`,
	"lab/unit.proto": `
syntax = "proto3";
package lab;
enum Unit {
  KG = 0;
  M = 1;
}`,
	// Orders are the second message, and nested: the serializer has to say which message it is.
	"lab/order.proto": `
syntax = "proto3";
package lab;
import "lab/unit.proto";
import "google/protobuf/timestamp.proto";
message Shipment {
  google.protobuf.Timestamp at = 1;
}
message Book {
  message Page {
    int32 number = 1;
  }
  message Order {
    int64 id = 1;
    lab.Unit unit = 2;
  }
}`,
}

var messages = map[string][2]string{"reading": {"lab/reading.proto", "lab.Reading"}, "order": {"lab/order.proto", "lab.Book.Order"}}

// messageType is what generated code would give.
func messageType(kind string) (protoreflect.MessageType, error) {
	names, known := messages[kind]
	if !known {
		return nil, fmt.Errorf("no message for a %s", kind)
	}
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(files)})}
	compiled, err := compiler.Compile(context.Background(), names[0])
	if err != nil {
		return nil, err
	}
	found, err := compiled.AsResolver().FindDescriptorByName(protoreflect.FullName(names[1]))
	if err != nil {
		return nil, err
	}
	return dynamicpb.NewMessageType(found.(protoreflect.MessageDescriptor)), nil
}

// emptyRecord is what a JSON text of this kind is read into.
func emptyRecord(one job) (any, error) {
	if one.Type == "PROTOBUF" {
		kind, err := messageType(one.Kind)
		if err != nil {
			return nil, err
		}
		return kind.New().Interface(), nil
	}
	if one.Kind == "order" {
		return &Order{}, nil
	}
	return &Reading{Tags: []string{}}, nil
}

func recordOf(one job, text json.RawMessage) (any, error) {
	record, err := emptyRecord(one)
	if err != nil {
		return nil, err
	}
	if message, is := record.(proto.Message); is {
		return record, protojson.Unmarshal(text, message)
	}
	return record, json.Unmarshal(text, record)
}

func jsonOf(record any) (json.RawMessage, error) {
	if message, is := record.(proto.Message); is {
		return protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(message)
	}
	return json.Marshal(record)
}
