import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** The Java client, one line of JSON a job: produces and consumes with the properties that it is given. */
public class SecureClient {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonNode job = JSON.readTree(line);
            new Thread(() -> run(job)).start();
        }
    }

    private static void run(JsonNode job) {
        ObjectNode answer = JSON.createObjectNode().put("id", job.get("id").asInt());
        Properties properties = new Properties();
        job.get("security").properties().forEach(one -> properties.put(one.getKey(), one.getValue().asText()));
        allow(properties.getProperty("sasl.oauthbearer.token.endpoint.url"));
        try {
            switch (job.get("op").asText()) {
                case "produce" -> produce(job, properties);
                case "consume" -> consume(job, properties).forEach(answer.withArray("values")::add);
                case "flow" -> answer.put("count", flow(job, properties));
                default -> throw new IllegalArgumentException("no such job: " + job);
            }
        } catch (Throwable error) {
            StringBuilder text = new StringBuilder();
            for (Throwable one = error; one != null; one = one.getCause()) {
                if (!(one instanceof ExecutionException)) text.append(one.getClass().getSimpleName()).append(": ").append(one.getMessage()).append('\n');
            }
            answer.put("error", text.toString());
        }
        synchronized (System.out) {
            System.out.println(answer);
        }
    }

    /** Java asks for tokens only where this property says that it may. */
    private static synchronized void allow(String url) {
        String property = "org.apache.kafka.sasl.oauthbearer.allowed.urls";
        if (url != null) System.setProperty(property, System.getProperty(property, "") + "," + url);
    }

    private static KafkaProducer<String, String> producer(Properties properties) {
        properties.put("max.block.ms", "20000");
        return new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
    }

    private static void produce(JsonNode job, Properties properties) throws Exception {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (KafkaProducer<String, String> producer = producer(properties)) {
            for (JsonNode value : job.get("values")) sent.add(producer.send(new ProducerRecord<>(job.get("topic").asText(), value.asText())));
            for (Future<RecordMetadata> one : sent) one.get();
        }
    }

    private static int flow(JsonNode job, Properties properties) throws Exception {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (KafkaProducer<String, String> producer = producer(properties)) {
            long end = System.currentTimeMillis() + job.get("ms").asLong();
            while (System.currentTimeMillis() < end) {
                sent.add(producer.send(new ProducerRecord<>(job.get("topic").asText(), Integer.toString(sent.size()))));
                Thread.sleep(5);
            }
            for (Future<RecordMetadata> one : sent) one.get();
        }
        return sent.size();
    }

    private static List<String> consume(JsonNode job, Properties properties) {
        properties.put("group.id", job.get("group").asText());
        properties.put("auto.offset.reset", "earliest");
        List<String> values = new ArrayList<>();
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(job.get("topic").asText()));
            long end = System.currentTimeMillis() + 30_000;
            while (values.size() < job.get("count").asInt() && System.currentTimeMillis() < end) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(500))) values.add(record.value());
            }
        }
        return values;
    }
}
