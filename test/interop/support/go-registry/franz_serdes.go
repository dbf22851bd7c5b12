package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/proto"
)

// franzSerde encodes with the newest schema of the topic, and decodes with any that the topic has had.
func franzSerde(ctx context.Context, one job) (*sr.Serde, error) {
	registry, err := sr.NewClient(sr.URLs(one.URL))
	if err != nil {
		return nil, err
	}
	schemas, err := registry.Schemas(ctx, one.Topic+"-value")
	if err != nil {
		return nil, err
	}
	serde := sr.NewSerde()
	for _, schema := range schemas {
		var options []sr.EncodingOpt
		switch one.Type {
		case "AVRO":
			parsed, err := avro.Parse(schema.Schema.Schema)
			if err != nil {
				return nil, err
			}
			options = append(options, sr.EncodeFn(func(value any) ([]byte, error) { return avro.Marshal(parsed, value) }),
				sr.DecodeFn(func(bytes []byte, into any) error { return avro.Unmarshal(parsed, bytes, into) }))
		case "JSON":
			options = append(options, sr.EncodeFn(json.Marshal), sr.DecodeFn(json.Unmarshal))
		case "PROTOBUF":
			options = append(options, sr.Index(0), sr.EncodeFn(func(value any) ([]byte, error) { return proto.Marshal(value.(proto.Message)) }),
				sr.DecodeFn(func(bytes []byte, into any) error { return proto.Unmarshal(bytes, into.(proto.Message)) }))
		}
		record, err := emptyRecord(one)
		if err != nil {
			return nil, err
		}
		serde.Register(schema.ID, record, options...)
	}
	return serde, nil
}

func franzProduce(one job) (outcome, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	serde, err := franzSerde(ctx, one)
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(one.Bootstrap), kgo.DefaultProduceTopic(one.Topic))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	for _, text := range one.Values {
		record, err := recordOf(one, text)
		if err != nil {
			return nil, err
		}
		bytes, err := serde.Encode(record)
		if err != nil {
			return nil, err
		}
		if err := client.ProduceSync(ctx, kgo.SliceRecord(bytes)).FirstErr(); err != nil {
			return nil, err
		}
	}
	return outcome{}, nil
}

func franzConsume(one job) (outcome, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	serde, err := franzSerde(ctx, one)
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(one.Bootstrap), kgo.ConsumeTopics(one.Topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	values := []json.RawMessage{}
	for read := 0; read < one.Count; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		for _, record := range fetches.Records() {
			read++
			// This serde knows no ids in headers.
			if len(record.Headers) > 0 {
				continue
			}
			value, err := emptyRecord(one)
			if err != nil {
				return nil, err
			}
			if err := serde.Decode(record.Value, value); err != nil {
				return nil, fmt.Errorf("offset %d: %w", record.Offset, err)
			}
			text, err := jsonOf(value)
			if err != nil {
				return nil, err
			}
			values = append(values, text)
		}
	}
	return outcome{"values": values}, nil
}
