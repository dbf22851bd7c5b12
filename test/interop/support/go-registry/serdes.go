package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/serde"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/serde/avrov2"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/serde/jsonschema"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/serde/protobuf"
)

func serializer(one job) (serde.Serializer, error) {
	registry, err := confluentOf(one)
	if err != nil {
		return nil, err
	}
	common := *serde.NewSerializerConfig()
	common.UseLatestVersion, common.AutoRegisterSchemas = one.Latest, !one.Latest
	inHeader := serde.PrefixSchemaIDSerializer
	if one.Header {
		inHeader = serde.HeaderSchemaIDSerializer
	}
	switch one.Type {
	case "AVRO":
		made, err := avrov2.NewSerializer(registry, serde.ValueSerde, &avrov2.SerializerConfig{SerializerConfig: common})
		if err == nil {
			made.SchemaIDSerializer = inHeader
		}
		return made, err
	case "JSON":
		made, err := jsonschema.NewSerializer(registry, serde.ValueSerde, &jsonschema.SerializerConfig{SerializerConfig: common, EnableValidation: true})
		if err == nil {
			made.SchemaIDSerializer = inHeader
		}
		return made, err
	case "PROTOBUF":
		made, err := protobuf.NewSerializer(registry, serde.ValueSerde, &protobuf.SerializerConfig{SerializerConfig: common})
		if err == nil {
			made.SchemaIDSerializer = inHeader
		}
		return made, err
	}
	return nil, fmt.Errorf("no such type: %s", one.Type)
}

func deserializer(one job) (serde.Deserializer, error) {
	registry, err := confluentOf(one)
	if err != nil {
		return nil, err
	}
	switch one.Type {
	case "AVRO":
		return avrov2.NewDeserializer(registry, serde.ValueSerde, avrov2.NewDeserializerConfig())
	case "JSON":
		return jsonschema.NewDeserializer(registry, serde.ValueSerde, jsonschema.NewDeserializerConfig())
	case "PROTOBUF":
		made, err := protobuf.NewDeserializer(registry, serde.ValueSerde, protobuf.NewDeserializerConfig())
		if err != nil {
			return nil, err
		}
		kind, err := messageType(one.Kind)
		if err != nil {
			return nil, err
		}
		return made, made.ProtoRegistry.RegisterMessage(kind)
	}
	return nil, fmt.Errorf("no such type: %s", one.Type)
}

func confluentProduce(one job) (outcome, error) {
	serialize, err := serializer(one)
	if err != nil {
		return nil, err
	}
	producer, err := kafka.NewProducer(&kafka.ConfigMap{"bootstrap.servers": one.Bootstrap, "enable.idempotence": true, "message.timeout.ms": 20_000})
	if err != nil {
		return nil, err
	}
	defer producer.Close()
	reports := make(chan kafka.Event, len(one.Values))
	for _, text := range one.Values {
		record, err := recordOf(one, text)
		if err != nil {
			return nil, err
		}
		headers, payload, err := serialize.SerializeWithHeaders(one.Topic, record)
		if err != nil {
			return nil, err
		}
		to := kafka.TopicPartition{Topic: &one.Topic, Partition: kafka.PartitionAny}
		if err := producer.Produce(&kafka.Message{TopicPartition: to, Headers: headers, Value: payload}, reports); err != nil {
			return nil, err
		}
	}
	failures := []string{}
	for range one.Values {
		report := (<-reports).(*kafka.Message)
		if report.TopicPartition.Error != nil {
			failures = append(failures, report.TopicPartition.Error.Error())
		}
	}
	return outcome{"failures": failures}, nil
}

func confluentConsume(one job) (outcome, error) {
	deserialize, err := deserializer(one)
	if err != nil {
		return nil, err
	}
	consumer, err := kafka.NewConsumer(&kafka.ConfigMap{"bootstrap.servers": one.Bootstrap, "group.id": one.Topic + "-readers", "auto.offset.reset": "earliest"})
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	if err := consumer.Subscribe(one.Topic, nil); err != nil {
		return nil, err
	}
	values := []json.RawMessage{}
	for len(values) < one.Count {
		message, err := consumer.ReadMessage(20 * time.Second)
		if err != nil {
			return nil, fmt.Errorf("after %d records: %w", len(values), err)
		}
		record, err := emptyRecord(one)
		if err != nil {
			return nil, err
		}
		if one.Type == "PROTOBUF" {
			// The message that the ids name, not one that was asked for.
			record, err = deserialize.DeserializeWithHeaders(one.Topic, message.Headers, message.Value)
		} else {
			err = deserialize.DeserializeWithHeadersInto(one.Topic, message.Headers, message.Value, record)
		}
		if err != nil {
			return nil, fmt.Errorf("offset %d: %w", message.TopicPartition.Offset, err)
		}
		text, err := jsonOf(record)
		if err != nil {
			return nil, err
		}
		values = append(values, text)
	}
	return outcome{"values": values}, nil
}
