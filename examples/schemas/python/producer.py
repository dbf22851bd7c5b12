"""Sends measurements as Avro, and then something else, which is refused: python producer.py [REGISTRY [BOOTSTRAP]]"""
import json
import sys
import time

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

REGISTRY, BOOTSTRAP = (sys.argv[1:] + ['http://localhost:8082', 'localhost:9092'][len(sys.argv) - 1:])[:2]
TOPIC = 'measurements'
SCHEMA = json.dumps({
    'type': 'record', 'name': 'Measurement', 'fields': [
        {'name': 'sensor', 'type': 'string'},
        {'name': 'at', 'type': {'type': 'long', 'logicalType': 'timestamp-millis'}},
        {'name': 'celsius', 'type': ['null', 'double'], 'default': None},
    ],
})


def create_topic():
    """A topic that looks into every record, whichever client brings it."""
    topic = NewTopic(TOPIC, num_partitions=1, config={'barnabas.value.validation': 'payload'})
    admin = AdminClient({'bootstrap.servers': BOOTSTRAP})
    try:
        admin.create_topics([topic])[TOPIC].result()
    except KafkaException as error:
        if error.args[0].name() != 'TOPIC_ALREADY_EXISTS':
            raise


def report(error, message):
    print(f'refused: {error.str()}' if error else f'stored at offset {message.offset()}', flush=True)


create_topic()
serialize = AvroSerializer(SchemaRegistryClient({'url': REGISTRY}), SCHEMA)  # registers the schema when it is first used
producer = Producer({'bootstrap.servers': BOOTSTRAP})

now = int(time.time() * 1000)
for sensor, celsius in [('north', 4.5), ('south', 11.25), ('cellar', None)]:
    value = {'sensor': sensor, 'at': now, 'celsius': celsius}
    producer.produce(TOPIC, serialize(value, SerializationContext(TOPIC, MessageField.VALUE)), key=sensor, on_delivery=report)
producer.flush()

producer.produce(TOPIC, '{"sensor":"north"}', key='north', on_delivery=report)
producer.flush()
