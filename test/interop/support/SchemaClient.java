import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The Java client, bytes in and bytes out: one line of JSON a job, one line as the answer.
 * produce: records [{partition, value}], sent together; the answer has for each an offset or an error. consume: so many values.
 */
public class SchemaClient {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonNode job = JSON.readTree(line);
            ObjectNode answer = JSON.createObjectNode().put("id", job.get("id").asInt());
            Properties properties = new Properties();
            job.get("properties").properties().forEach(one -> properties.put(one.getKey(), one.getValue().asText()));
            if (job.get("op").asText().equals("produce")) produce(job, properties, answer.putArray("fates"));
            else consume(job, properties, answer.putArray("values"));
            System.out.println(answer);
        }
    }

    private static void produce(JsonNode job, Properties properties, ArrayNode fates) throws Exception {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        properties.put("linger.ms", "1000");
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (JsonNode record : job.get("records")) {
                sent.add(producer.send(new ProducerRecord<>(job.get("topic").asText(), record.get("partition").asInt(), null, bytes(record.get("value")))));
            }
            producer.flush();
            for (Future<RecordMetadata> one : sent) {
                try {
                    long offset = one.get().offset();
                    fates.addObject().put("offset", offset);
                } catch (ExecutionException error) {
                    fates.addObject().put("error", error.getCause().getClass().getSimpleName() + ": " + error.getCause().getMessage());
                }
            }
        }
    }

    private static void consume(JsonNode job, Properties properties, ArrayNode values) {
        TopicPartition partition = new TopicPartition(job.get("topic").asText(), 0);
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end = System.currentTimeMillis() + 20_000;
            while (values.size() < job.get("count").asInt() && System.currentTimeMillis() < end) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
                    values.add(record.value() == null ? null : Base64.getEncoder().encodeToString(record.value()));
                }
            }
        }
    }

    private static byte[] bytes(JsonNode value) {
        return value.isNull() ? null : Base64.getDecoder().decode(value.asText());
    }
}
