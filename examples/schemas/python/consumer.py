"""Reads the measurements that are there, and ends: python consumer.py [REGISTRY [BOOTSTRAP]]"""
import sys

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

REGISTRY, BOOTSTRAP = (sys.argv[1:] + ['http://localhost:8082', 'localhost:9092'][len(sys.argv) - 1:])[:2]
TOPIC = 'measurements'

deserialize = AvroDeserializer(SchemaRegistryClient({'url': REGISTRY}))  # asks for the schema that a record was written with
consumer = Consumer({
    'bootstrap.servers': BOOTSTRAP,
    'group.id': 'measurements-readers',
    'auto.offset.reset': 'earliest',
    'enable.partition.eof': True,
})
consumer.subscribe([TOPIC])
while True:
    message = consumer.poll(30)
    if message is None or message.error() and message.error().code() == KafkaError._PARTITION_EOF:
        break
    if message.error():
        raise KafkaException(message.error())
    value = deserialize(message.value(), SerializationContext(TOPIC, MessageField.VALUE, message.headers()))
    print(f"{value['sensor']}: {value['celsius']} at {value['at'].isoformat()}", flush=True)
consumer.close()
