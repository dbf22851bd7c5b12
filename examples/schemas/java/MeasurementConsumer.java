import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import io.confluent.kafka.serializers.KafkaAvroDeserializer;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Reads the measurements that are there, and ends: java MeasurementConsumer.java [REGISTRY [BOOTSTRAP]] */
public class MeasurementConsumer {
  public static void main(String[] args) {
    Map<String, Object> settings = Map.of(
        "bootstrap.servers", args.length > 1 ? args[1] : "localhost:9092",
        "schema.registry.url", args.length > 0 ? args[0] : "http://localhost:8082", // asked for the schema that a record was written with
        "group.id", "measurements-readers",
        "auto.offset.reset", "earliest");
    KafkaAvroDeserializer deserializer = new KafkaAvroDeserializer();
    deserializer.configure(settings, false);

    try (KafkaConsumer<String, Object> consumer = new KafkaConsumer<>(settings, new StringDeserializer(), deserializer)) {
      consumer.subscribe(List.of("measurements"));
      for (ConsumerRecords<String, Object> records; !(records = consumer.poll(Duration.ofSeconds(10))).isEmpty();) {
        for (ConsumerRecord<String, Object> record : records) {
          GenericRecord value = (GenericRecord) record.value();
          System.out.println(value.get("sensor") + ": " + value.get("celsius") + " at " + Instant.ofEpochMilli((Long) value.get("at")));
        }
      }
    }
  }
}
