// Orders with an Avro schema: this program writes one and reads them all, whether Go has written them or curl.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/serde"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/serde/avrov2"
)

// Order is what the schema is made of, which the serializer registers as orders-value.
type Order struct {
	ID   int64  `avro:"id"`
	Item string `avro:"item"`
}

func main() {
	bootstrap := flag.String("kafka", "127.0.0.1:9092", "where the log is")
	url := flag.String("registry", "http://127.0.0.1:8082", "where the schemas are")
	topic := flag.String("topic", "orders", "")
	wait := flag.Duration("wait", 10*time.Second, "how long to wait for the next order")
	flag.Parse()

	registry, err := schemaregistry.NewClient(schemaregistry.NewConfig(*url))
	check(err)
	check(write(registry, *bootstrap, *topic, Order{ID: time.Now().UnixNano(), Item: "a pot of ink"}))
	check(read(registry, *bootstrap, *topic, *wait))
}

func write(registry schemaregistry.Client, bootstrap, topic string, order Order) error {
	serializer, err := avrov2.NewSerializer(registry, serde.ValueSerde, avrov2.NewSerializerConfig())
	if err != nil {
		return err
	}
	payload, err := serializer.Serialize(topic, &order)
	if err != nil {
		return err
	}
	producer, err := kafka.NewProducer(&kafka.ConfigMap{"bootstrap.servers": bootstrap, "enable.idempotence": true})
	if err != nil {
		return err
	}
	defer producer.Close()
	reports := make(chan kafka.Event, 1)
	to := kafka.TopicPartition{Topic: &topic, Partition: kafka.PartitionAny}
	if err := producer.Produce(&kafka.Message{TopicPartition: to, Value: payload}, reports); err != nil {
		return err
	}
	return (<-reports).(*kafka.Message).TopicPartition.Error
}

func read(registry schemaregistry.Client, bootstrap, topic string, wait time.Duration) error {
	deserializer, err := avrov2.NewDeserializer(registry, serde.ValueSerde, avrov2.NewDeserializerConfig())
	if err != nil {
		return err
	}
	consumer, err := kafka.NewConsumer(&kafka.ConfigMap{"bootstrap.servers": bootstrap, "group.id": "go-example", "auto.offset.reset": "earliest"})
	if err != nil {
		return err
	}
	defer consumer.Close()
	if err := consumer.Subscribe(topic, nil); err != nil {
		return err
	}
	for {
		message, err := consumer.ReadMessage(wait)
		if err != nil {
			var failure kafka.Error
			if errors.As(err, &failure) && failure.IsTimeout() {
				return nil
			}
			return err
		}
		var order Order
		if err := deserializer.DeserializeWithHeadersInto(topic, message.Headers, message.Value, &order); err != nil {
			return fmt.Errorf("offset %d: %w", message.TopicPartition.Offset, err)
		}
		fmt.Printf("%d: order %d, %s\n", message.TopicPartition.Offset, order.ID, order.Item)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
