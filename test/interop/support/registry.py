"""confluent-kafka's schema registry client and serdes, driven over standard output: python registry.py COMMAND REGISTRY [BOOTSTRAP] ARGS..."""
import json
import sys
import time

from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient, header_schema_id_serializer
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.schema_registry.schema_registry_client import Metadata, MetadataProperties
from confluent_kafka.serialization import MessageField, SerializationContext


def show(value):
    print(json.dumps(value), flush=True)


def refusal(act):
    """The status and code of the error that this ends with."""
    try:
        act()
    except SchemaRegistryError as error:
        return [error.http_status_code, error.error_code]
    return None


def record(*fields):
    return json.dumps({'type': 'record', 'name': 'Order', 'namespace': 'shop', 'fields': list(fields)})


ID = {'name': 'id', 'type': 'long'}
NOTE = {'name': 'note', 'type': 'string'}
NOTE_OR_NOT = {'name': 'note', 'type': ['null', 'string'], 'default': None}


def client(url, subject):
    """All that the client can ask, against a subject that is not there yet."""
    registry = SchemaRegistryClient({'url': url})
    first = Schema(record(ID), 'AVRO')
    second = Schema(record(ID, NOTE_OR_NOT), 'AVRO')
    broken = Schema(record(ID, NOTE), 'AVRO')

    show({'unknown': [refusal(lambda: registry.get_latest_version(subject)), refusal(lambda: registry.get_versions(subject)),
                      refusal(lambda: registry.lookup_schema(subject, first)), refusal(lambda: registry.get_schema(999999))]})
    id = registry.register_schema(subject, first)
    again = SchemaRegistryClient({'url': url})
    show({'same': again.register_schema(subject, first) == id, 'text': json.loads(again.get_schema(id).schema_str) == json.loads(first.schema_str)})
    full = SchemaRegistryClient({'url': url}).register_schema_full_response(subject, first)
    show({'full': [full.subject, full.version, full.schema_id == id, full.guid is not None]})
    show({'lookup': again.lookup_schema(subject, first).version, 'not under it': refusal(lambda: again.lookup_schema(subject, second))})

    show({'goes': registry.test_compatibility(subject, second), 'goes not': registry.test_compatibility(subject, broken),
          'all': registry.test_compatibility_all_versions(subject, broken)})
    show({'refused': refusal(lambda: registry.register_schema(subject, broken)), 'invalid': refusal(lambda: registry.register_schema(subject, Schema('{"type":"nothing"}', 'AVRO')))})
    newer = registry.register_schema(subject, second)
    latest = again.get_latest_version(subject)
    show({'evolved': [newer > id, latest.version, latest.schema_id == newer, again.get_versions(subject), again.get_version(subject, 1).schema_id == id]})
    show({'listed': [subject in again.get_subjects(), subject in again.get_subjects(subject_prefix=subject), again.get_subjects_by_schema_id(id),
                     [[one.subject, one.version] for one in again.get_schema_versions(id)], sorted(again.get_schema_types())]})
    show({'by guid': again.get_schema_by_guid(latest.guid).schema_str == latest.schema.schema_str})

    show({'config': [registry.get_compatibility(), refusal(lambda: registry.get_compatibility(subject)),
                     registry.set_compatibility(subject, 'NONE')['compatibility'], registry.get_compatibility(subject)]})
    show({'bad level': refusal(lambda: registry.set_compatibility(subject, 'SOMETIMES'))})
    registry.register_schema(subject, broken)
    show({'deleted config': registry.delete_config(subject).compatibility_level, 'then': refusal(lambda: registry.get_config(subject))})

    show({'modes': [registry.get_global_mode(), refusal(lambda: registry.get_mode(subject)), registry.update_mode(subject, 'READONLY'),
                    refusal(lambda: SchemaRegistryClient({'url': url}).register_schema(subject, Schema('"string"', 'AVRO'))), registry.delete_mode(subject)]})

    with_metadata = Schema(record(ID, NOTE_OR_NOT, {'name': 'n', 'type': 'int', 'default': 0}), 'AVRO', metadata=Metadata(None, MetadataProperties({'owner': 'k'}), None))
    registry.set_compatibility(subject, 'NONE')
    registry.register_schema(subject, with_metadata)
    found = SchemaRegistryClient({'url': url}).get_latest_with_metadata(subject, {'owner': 'k'})
    show({'metadata': [found.version, found.schema.metadata.properties.properties]})

    part = subject + ' part/1'
    registry.register_schema(part, Schema(json.dumps({'type': 'enum', 'name': 'Unit', 'namespace': 'shop', 'symbols': ['KG', 'M']}), 'AVRO'))
    whole = Schema(record(ID, {'name': 'unit', 'type': 'shop.Unit'}), 'AVRO', [SchemaReference('shop.Unit', part, 1)])
    referring = registry.register_schema(subject + '-whole', whole)
    got = SchemaRegistryClient({'url': url}).get_schema(referring)
    show({'references': [[one.name, one.subject == part, one.version] for one in got.references],
          'referred by': registry.get_referenced_by(part, 1) == [referring], 'kept': refusal(lambda: registry.delete_version(part, 1))})
    show({'contexts': '.' in registry.get_contexts()})

    show({'deleted': [registry.delete_version(subject, 1), again.delete_subject(subject), refusal(lambda: again.delete_subject(subject)),
                      refusal(lambda: SchemaRegistryClient({'url': url}).get_latest_version(subject)),
                      SchemaRegistryClient({'url': url}).get_schema(id) is not None, again.delete_subject(subject, permanent=True)]})


AVRO = json.dumps({'type': 'record', 'name': 'Reading', 'namespace': 'lab', 'fields': [
    {'name': 'id', 'type': 'long'}, {'name': 'name', 'type': 'string'}, {'name': 'value', 'type': ['null', 'double'], 'default': None},
    {'name': 'tags', 'type': {'type': 'array', 'items': 'string'}}]})

JSON = json.dumps({'$schema': 'http://json-schema.org/draft-07/schema#', 'title': 'Reading', 'type': 'object', 'required': ['id', 'name'], 'properties': {
    'id': {'type': 'integer'}, 'name': {'type': 'string'}, 'value': {'type': ['number', 'null']}, 'tags': {'type': 'array', 'items': {'type': 'string'}}}})


def protobuf_message():
    """A class made of a descriptor: no compiler is needed."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
    timestamp_pb2.DESCRIPTOR  # what the file imports must be in the pool
    kind = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name='lab/reading.proto', package='lab', syntax='proto3', dependency=['google/protobuf/timestamp.proto'])
    message = file.message_type.add(name='Reading')
    for number, (name, type, label) in enumerate([('id', kind.TYPE_INT64, 1), ('name', kind.TYPE_STRING, 1), ('value', kind.TYPE_DOUBLE, 1), ('tags', kind.TYPE_STRING, 3)], 1):
        message.field.add(name=name, number=number, type=type, label=label)
    message.field.add(name='at', number=5, type=kind.TYPE_MESSAGE, label=1, type_name='.google.protobuf.Timestamp')
    pool = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName('lab.Reading'))


def serdes(registry, format, conf):
    if format == 'avro':
        return AvroSerializer(registry, AVRO, conf=conf), AvroDeserializer(registry), lambda value: value, lambda value: value
    if format == 'json':
        return JSONSerializer(JSON, registry, conf=conf), JSONDeserializer(None, schema_registry_client=registry), lambda value: value, lambda value: value
    Reading = protobuf_message()

    def dictionary(message):
        return {'id': message.id, 'name': message.name, 'value': message.value, 'tags': list(message.tags)}
    return (ProtobufSerializer(Reading, registry, {**conf, 'use.deprecated.format': False}), ProtobufDeserializer(Reading, {'use.deprecated.format': False}, registry),
            lambda value: Reading(**value), dictionary)


def rounds(url, bootstrap, format, framing, topic, count):
    """Values through the serializer, the log and the deserializer, and what the registry has then."""
    count = int(count)
    registry = SchemaRegistryClient({'url': url})
    conf = {'auto.register.schemas': True, **({'schema.id.serializer': header_schema_id_serializer} if framing == 'header' else {})}
    serialize, deserialize, made, read = serdes(registry, format, conf)
    values = [{'id': 9007199254740993 + i, 'name': 'näme %d' % i, 'value': i / 8, 'tags': ['t'] * (i % 3)} for i in range(count)]
    context = SerializationContext(topic, MessageField.VALUE)
    producer = Producer({'bootstrap.servers': bootstrap, 'enable.idempotence': True})
    failures = []
    for value in values:
        headers = []
        context.headers = headers
        producer.produce(topic, serialize(made(value), context), headers=headers, on_delivery=lambda error, _: error and failures.append(str(error)))
    producer.flush(30)

    other = SchemaRegistryClient({'url': url})
    consumer = Consumer({'bootstrap.servers': bootstrap, 'group.id': topic, 'auto.offset.reset': 'earliest'})
    consumer.subscribe([topic])
    got, first = [], None
    end = time.monotonic() + 30
    while len(got) < count and time.monotonic() < end:
        message = consumer.poll(0.5)
        if message is None or message.error():
            continue
        first = first or message.value()[:6].hex()
        got.append(read(deserialize(message.value(), SerializationContext(topic, MessageField.VALUE, message.headers()))))
    consumer.close()
    latest = other.get_latest_version(topic + '-value')
    show({'failures': failures, 'equal': sorted(got, key=lambda one: one['id']) == values, 'count': len(got), 'version': latest.version,
          'type': latest.schema.schema_type, 'first': first, 'id': latest.schema_id})


{'client': client, 'rounds': rounds}[sys.argv[1]](*sys.argv[2:])
