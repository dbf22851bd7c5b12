"""librdkafka, bytes in and bytes out, through confluent-kafka: the jobs of SchemaClient.java. See jobs.py."""
import base64
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

import jobs


def produce(job):
    producer = Producer({**job['properties'], 'linger.ms': 1000})
    fates = [None] * len(job['records'])

    def delivered(number):
        def tell(error, message):
            fates[number] = {'offset': message.offset()} if error is None else {'error': '%s: %s' % (error.name(), error.str())}
        return tell

    for number, record in enumerate(job['records']):
        value = None if record['value'] is None else base64.b64decode(record['value'])
        producer.produce(job['topic'], value, partition=record['partition'], on_delivery=delivered(number))
    producer.flush(20)
    return {'fates': fates}


def consume(job):
    consumer = Consumer({**job['properties'], 'group.id': 'nobody'})
    consumer.assign([TopicPartition(job['topic'], 0, 0)])
    values = []
    end = time.monotonic() + 20
    while len(values) < job['count'] and time.monotonic() < end:
        message = consumer.poll(0.5)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        values.append(None if message.value() is None else base64.b64encode(message.value()).decode())
    consumer.close()
    return {'values': values}


jobs.serve({'produce': produce, 'consume': consume})
