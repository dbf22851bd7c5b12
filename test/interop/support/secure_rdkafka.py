"""librdkafka with credentials, through confluent-kafka: see jobs.py."""
import time

from confluent_kafka import Consumer, KafkaException, Producer

import jobs


class Delivery:
    """The first error that librdkafka speaks of: of a record, or of the client as such."""

    def __init__(self):
        self.error = None

    def delivered(self, error, _message):
        self.error = self.error or error

    def failed(self, error):
        self.error = self.error or error

    def check(self):
        if self.error is not None:
            raise KafkaException(self.error)


def send(job, values, every=0.0):
    delivery = Delivery()
    producer = Producer({**job['security'], 'enable.idempotence': True, 'error_cb': delivery.failed})
    count = 0
    for value in values:
        producer.produce(job['topic'], value.encode(), on_delivery=delivery.delivered)
        count += 1
        producer.poll(every)
    end = time.monotonic() + 30
    while len(producer) > 0 and delivery.error is None and time.monotonic() < end:
        producer.poll(0.1)
    delivery.check()
    if len(producer) > 0:
        raise TimeoutError('%d records are not acknowledged' % len(producer))
    return {'count': count}


def numbers(seconds):
    end = time.monotonic() + seconds
    n = 0
    while time.monotonic() < end:
        yield str(n)
        n += 1


def consume(job):
    delivery = Delivery()
    consumer = Consumer({**job['security'], 'group.id': job['group'], 'auto.offset.reset': 'earliest', 'error_cb': delivery.failed})
    consumer.subscribe([job['topic']])
    values = []
    end = time.monotonic() + 30
    while len(values) < job['count'] and time.monotonic() < end:
        message = consumer.poll(0.5)
        delivery.check()
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        values.append(message.value().decode())
    consumer.close()
    return {'values': values}


jobs.serve({'produce': lambda job: send(job, job['values']), 'flow': lambda job: send(job, numbers(job['ms'] / 1000), 0.005), 'consume': consume})
