import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import io.confluent.kafka.serializers.KafkaAvroSerializer;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Sends measurements as Avro, and then something else, which is refused: java MeasurementProducer.java [REGISTRY [BOOTSTRAP]] */
public class MeasurementProducer {
  static final String TOPIC = "measurements";
  static final Schema SCHEMA = new Schema.Parser().parse("""
      {"type": "record", "name": "Measurement", "fields": [
        {"name": "sensor", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "celsius", "type": ["null", "double"], "default": null}]}""");

  public static void main(String[] args) throws Exception {
    String registry = args.length > 0 ? args[0] : "http://localhost:8082";
    Map<String, Object> settings = Map.of(
        "bootstrap.servers", args.length > 1 ? args[1] : "localhost:9092",
        "schema.registry.url", registry); // where the serializer registers the schema when it is first used

    createTopic(settings);
    try (KafkaProducer<String, Object> producer = new KafkaProducer<>(settings, new StringSerializer(), serializer(settings))) {
      Double[] celsius = {4.5, 11.25, null};
      for (int i = 0; i < 3; i++) {
        String sensor = List.of("north", "south", "cellar").get(i);
        GenericRecord value = new GenericRecordBuilder(SCHEMA)
            .set("sensor", sensor).set("at", System.currentTimeMillis()).set("celsius", celsius[i]).build();
        System.out.println("stored at offset " + producer.send(new ProducerRecord<>(TOPIC, sensor, value)).get().offset());
      }
    }
    try (KafkaProducer<String, byte[]> producer = new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer())) {
      byte[] value = "{\"sensor\":\"north\"}".getBytes(StandardCharsets.UTF_8);
      System.out.println("stored at offset " + producer.send(new ProducerRecord<>(TOPIC, "north", value)).get().offset());
    } catch (ExecutionException error) {
      System.out.println("refused: " + error.getCause().getMessage());
    }
  }

  /** A topic that looks into every record, whichever client brings it. */
  static void createTopic(Map<String, Object> settings) throws Exception {
    try (Admin admin = Admin.create(settings)) {
      NewTopic topic = new NewTopic(TOPIC, 1, (short) 1).configs(Map.of("barnabas.value.validation", "payload"));
      admin.createTopics(List.of(topic)).all().get();
    } catch (ExecutionException error) {
      if (!(error.getCause() instanceof TopicExistsException)) throw error;
    }
  }

  static KafkaAvroSerializer serializer(Map<String, Object> settings) {
    KafkaAvroSerializer serializer = new KafkaAvroSerializer();
    serializer.configure(settings, false);
    return serializer;
  }
}
