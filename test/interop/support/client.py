"""kafka-python, driven over standard output: python client.py COMMAND BOOTSTRAP ARGS..."""
import json
import sys

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewPartitions, NewTopic


def show(value):
    print(json.dumps(value), flush=True)


def produce(bootstrap, topic, compression, count, idempotent):
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks='all', compression_type=None if compression == 'none' else compression,
                             enable_idempotence=idempotent == 'idempotent')
    sent = [producer.send(topic, key=b'key-%d' % (i % 3), value=b'value %d' % i, headers=[('n', b'%d' % i)], timestamp_ms=1700000000000 + i)
            for i in range(int(count))]
    places = [one.get(timeout=30) for one in sent]
    producer.close()
    show(sorted([place.partition, place.offset] for place in places))


def consume(bootstrap, topic, group, count):
    consumer = KafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset='earliest', enable_auto_commit=False,
                             session_timeout_ms=10000, fetch_max_wait_ms=200)
    for _ in range(int(count)):
        record = next(consumer)
        show({'partition': record.partition, 'offset': record.offset, 'timestamp': record.timestamp,
              'key': record.key and record.key.decode(), 'value': record.value and record.value.decode(),
              'headers': [[name, value.decode()] for name, value in record.headers]})
    consumer.commit()
    consumer.close()


def member(bootstrap, topic, group):
    """Stays in a group, prints every record and commits after each."""
    consumer = KafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset='earliest', enable_auto_commit=False,
                             session_timeout_ms=6000, heartbeat_interval_ms=500, fetch_max_wait_ms=200)
    for record in consumer:
        print(record.value.decode(), flush=True)
        consumer.commit()


def admin(bootstrap, topic):
    client = KafkaAdminClient(bootstrap_servers=bootstrap)
    client.create_topics([NewTopic(topic, 2, 1)])
    listed = topic in client.list_topics()
    client.create_partitions({topic: NewPartitions(4)})
    described = client.describe_topics([topic])[0]
    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    ends = consumer.end_offsets([TopicPartition(topic, 0)])
    client.delete_topics([topic])
    show({'listed': listed, 'partitions': len(described['partitions']), 'end': list(ends.values())[0], 'gone': topic not in client.list_topics()})


{'produce': produce, 'consume': consume, 'member': member, 'admin': admin}[sys.argv[1]](*sys.argv[2:])
