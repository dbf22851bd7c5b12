"""librdkafka against a topic with a schema: see ValidatedProducer.java, whose arguments and output these are.

Arguments: bootstrap servers, topic, number of records, the numbers of bad records with commas, and properties as name=value.
Prints for each record its offset, or the error.
"""
import sys

from confluent_kafka import Producer

servers, topic, count, bad, *properties = sys.argv[1:]
wrong = {int(number) for number in bad.split(',') if number}
producer = Producer({'bootstrap.servers': servers, **dict(one.split('=', 1) for one in properties)})
fate = {}


def delivered(number):
    def tell(error, message):
        fate[number] = str(message.offset()) if error is None else f'{error.name()}: {error.str()}'
    return tell


for number in range(int(count)):
    json = f'{{"n":"{number}"}}' if number in wrong else f'{{"n":{number}}}'
    producer.produce(topic, b'\0\0\0\0\1' + json.encode(), on_delivery=delivered(number))
    producer.poll(0)
producer.flush(30)
for number in range(int(count)):
    print(number, fate.get(number, 'nothing'))
