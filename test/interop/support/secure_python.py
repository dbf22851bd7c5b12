"""kafka-python with credentials: see jobs.py."""
import json
import logging
import time
import urllib.request

from kafka import KafkaConsumer, KafkaProducer
from kafka.net.sasl.oauth import AbstractTokenProvider

import jobs


class TokenEndpoint(AbstractTokenProvider):
    def __init__(self, url):
        super().__init__()
        self.url = url

    def token(self):
        with urllib.request.urlopen(self.url, data=b'grant_type=client_credentials') as response:
            return json.load(response)['access_token']


class Warnings(logging.Handler):
    """What the client warns of, by its client id: why it could not connect, it only logs."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.said = {}

    def emit(self, record):
        # The thread that asks is named after the job (jobs.py), and the one that talks to the broker after the client.
        self.said.setdefault(record.threadName.removeprefix('kafka-io-'), []).append(record.getMessage())


warnings = Warnings()
logging.getLogger('kafka').addHandler(warnings)


def with_warnings(operation):
    def run(job):
        try:
            return operation(job)
        except Exception as error:
            said = warnings.said.get(client_id(job), [])
            raise type(error)('\n'.join([str(error), *said])) from error
    return run


def client_id(job):
    return 'job-%d' % job['id']


def options(job):
    security = job['security']
    # Two attempts: it would try for ever, and a server holds back its answers the longer the more logins fail.
    config = {'bootstrap_servers': security['bootstrap'], 'security_protocol': security['protocol'], 'client_id': client_id(job),
              'bootstrap_timeout_ms': 3000, 'reconnect_backoff_ms': 1200, 'reconnect_backoff_max_ms': 1200}
    for name, option in (('mechanism', 'sasl_mechanism'), ('username', 'sasl_plain_username'), ('password', 'sasl_plain_password'),
                         ('ca', 'ssl_cafile'), ('certificate', 'ssl_certfile'), ('key', 'ssl_keyfile')):
        if name in security:
            config[option] = security[name]
    if 'tokenUrl' in security:
        config['sasl_oauth_token_provider'] = TokenEndpoint(security['tokenUrl'])
    return config


def produce(job):
    producer = KafkaProducer(**options(job), acks='all', max_block_ms=3000)
    sent = [producer.send(job['topic'], value=value.encode()) for value in job['values']]
    for one in sent:
        one.get(timeout=30)
    producer.close()


def flow(job):
    producer = KafkaProducer(**options(job), acks='all', enable_idempotence=True)
    sent = []
    end = time.monotonic() + job['ms'] / 1000
    while time.monotonic() < end:
        sent.append(producer.send(job['topic'], value=b'%d' % len(sent)))
        time.sleep(0.005)
    for one in sent:
        one.get(timeout=30)
    producer.close()
    return {'count': len(sent)}


def consume(job):
    consumer = KafkaConsumer(job['topic'], **options(job), group_id=job['group'], auto_offset_reset='earliest',
                             consumer_timeout_ms=10000)
    values = []
    for record in consumer:
        values.append(record.value.decode())
        if len(values) == job['count']:
            break
    consumer.close()
    if len(values) < job['count']:
        raise TimeoutError('read %d of %d records' % (len(values), job['count']))
    return {'values': values}


jobs.serve({'produce': with_warnings(produce), 'consume': with_warnings(consume), 'flow': with_warnings(flow)})
