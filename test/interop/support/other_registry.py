"""Another schema registry's side of the topic _schemas: python other_registry.py write|more|read BOOTSTRAP canonical|older

What it writes has the forms that Karapace gives it: bytes of keys and values by Python's json, keys with their fields in Confluent's order
or, of older installations, in its own, values of no bytes where something is deleted. It reads by the same rules as Karapace.
"""
import json
import sys

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

TOPIC = '_schemas'
ORDERS = {
    'canonical': lambda keytype, fields, magic: {'keytype': keytype, **fields, 'magic': magic},
    'older': lambda keytype, fields, magic: {**fields, 'magic': magic, 'keytype': keytype},
}


class Writer:
    def __init__(self, bootstrap, order):
        self.producer = Producer({'bootstrap.servers': bootstrap})
        self.key_of = ORDERS[order]

    def send(self, keytype, fields, magic, value):
        failures = []
        self.producer.produce(
            TOPIC,
            key=json.dumps(self.key_of(keytype, fields, magic), separators=(',', ':')).encode(),
            value=b'' if value is None else json.dumps(value, separators=(',', ':')).encode(),
            headers=[('X-Registry-Version', b'other-1'), ('X-Origin-Host', b'127.0.0.1')],
            on_delivery=lambda error, _: error and failures.append(error))
        self.producer.flush(10)
        if failures:
            raise KafkaException(failures[0])

    def schema(self, subject, version, id, schema, type='AVRO', references=None, deleted=False):
        text = schema if type == 'PROTOBUF' else json.dumps(schema, sort_keys=True)
        value = {'subject': subject, 'version': version, 'id': id, 'schema': text, 'deleted': deleted}
        if references:
            value['references'] = references
        if type != 'AVRO':
            value['schemaType'] = type
        self.send('SCHEMA', {'subject': subject, 'version': version}, 1, value)

    def remove(self, subject, version):
        self.send('SCHEMA', {'subject': subject, 'version': version}, 1, None)

    def delete(self, subject, version):
        self.send('DELETE_SUBJECT', {'subject': subject}, 0, {'subject': subject, 'version': version})

    def config(self, subject, level):
        self.send('CONFIG', {'subject': subject}, 0, None if level is None else {'compatibilityLevel': level})


def record(*fields):
    return {'type': 'record', 'name': 'Order', 'namespace': 'shop', 'fields': list(fields)}


NUMBER = {'name': 'n', 'type': 'long'}
NOTE = {'name': 'note', 'type': ['null', 'string'], 'default': None}
PERSON = {'type': 'object', 'title': 'Person', 'properties': {'name': {'type': 'string'}}, 'required': ['name']}
UNIT = 'syntax = "proto3";\npackage shop;\n\nenum Unit {\n  KG = 0;\n  M = 1;\n}\n'
PART = 'syntax = "proto3";\npackage shop;\n\nimport "unit.proto";\n\nmessage Part {\n  int64 id = 1;\n  .shop.Unit unit = 2;\n}\n'


def write(bootstrap, order):
    admin = AdminClient({'bootstrap.servers': bootstrap})
    admin.create_topics([NewTopic(TOPIC, num_partitions=1, replication_factor=1, config={'cleanup.policy': 'compact'})])[TOPIC].result()
    log = Writer(bootstrap, order)
    log.send('NOOP', {}, 0, None)
    log.config(None, 'FULL')
    log.schema('orders-value', 1, 1, record(NUMBER))
    log.schema('orders-value', 2, 2, record(NUMBER, NOTE))
    log.schema('orders-value', 1, 1, record(NUMBER), deleted=True)
    log.schema('people-value', 1, 3, PERSON, 'JSON')
    log.schema('unit', 1, 4, UNIT, 'PROTOBUF')
    log.schema('parts-value', 1, 5, PART, 'PROTOBUF', [{'name': 'unit.proto', 'subject': 'unit', 'version': 1}])
    log.config('orders-value', 'NONE')
    log.config('people-value', 'NONE')
    log.config('people-value', None)
    log.schema('old-value', 1, 6, {'type': 'string'})
    log.schema('old-value', 2, 7, {'type': 'bytes'})
    log.delete('old-value', 2)
    log.schema('old-value', 3, 6, {'type': 'string'})
    log.schema('gone-value', 1, 8, {'type': 'int'})
    log.delete('gone-value', 1)
    log.remove('gone-value', 1)
    log.schema('sätze-value', 1, 1, record(NUMBER))


def more(bootstrap, order):
    """After the registry that went on with it."""
    log = Writer(bootstrap, order)
    log.schema('orders-value', 4, 12, record(NUMBER, NOTE, {'name': 'at', 'type': 'long', 'default': 0}))
    log.delete('people-value', 2)
    log.remove('people-value', 1)
    log.remove('people-value', 2)
    log.config('orders-value', None)


def read(bootstrap, _):
    consumer = Consumer({'bootstrap.servers': bootstrap, 'group.id': 'none', 'enable.auto.commit': False, 'enable.partition.eof': True})
    consumer.assign([TopicPartition(TOPIC, 0, 0)])
    schemas, configs, discarded = {}, {}, []
    while True:
        message = consumer.poll(30)
        if message is None:
            raise TimeoutError(TOPIC)
        if message.error():
            if message.error().code() == KafkaError._PARTITION_EOF:
                break
            raise KafkaException(message.error())
        key = json.loads(message.key())
        value = json.loads(message.value()) if message.value() else None
        keytype, subject = key['keytype'], key.get('subject')
        if keytype == 'CONFIG':
            if value is None:
                configs.pop(subject, None)
            elif 'compatibilityLevel' in value:
                configs[subject] = value['compatibilityLevel']
            else:
                discarded.append(keytype)
        elif keytype == 'SCHEMA':
            if value is None:
                schemas.pop((key['subject'], key['version']))  # it was there
                continue
            type = value.get('schemaType', 'AVRO')
            if type != 'PROTOBUF':
                json.loads(value['schema'])
            references = [[one['name'], one['subject'], one['version']] for one in value.get('references') or []]
            schemas[value['subject'], value['version']] = [value['id'], type, value.get('deleted', False), value['schema'], references]
        elif keytype == 'DELETE_SUBJECT':
            for (name, version), schema in schemas.items():
                if name == value['subject'] and version <= value['version']:
                    schema[2] = True
        elif keytype != 'NOOP':
            discarded.append(keytype)
    consumer.close()
    print(json.dumps({
        'schemas': [[subject, version, *rest] for (subject, version), rest in sorted(schemas.items())],
        'configs': sorted([subject or '', level] for subject, level in configs.items()), 'discarded': discarded,
    }))


{'write': write, 'more': more, 'read': read}[sys.argv[1]](*sys.argv[2:])
