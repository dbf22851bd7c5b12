import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Arguments: bootstrap servers, topic, number of records, the number of a bad record or several with commas, and properties of the
 * producer as name=value. Record i has the value {"n":i} of schema 1, a bad one {"n":"i"}. Prints for each what became of it, in order.
 */
public class ValidatedProducer {
    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", args[0]);
        for (int i = 4; i < args.length; i++) properties.put(args[i].split("=", 2)[0], args[i].split("=", 2)[1]);
        List<Integer> bad = new ArrayList<>();
        for (String one : args[3].split(",")) if (!one.isEmpty()) bad.add(Integer.parseInt(one));
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
            int count = Integer.parseInt(args[2]);
            for (int i = 0; i < count; i++) {
                byte[] json = (bad.contains(i) ? "{\"n\":\"" + i + "\"}" : "{\"n\":" + i + "}").getBytes(StandardCharsets.UTF_8);
                byte[] value = ByteBuffer.allocate(5 + json.length).put((byte) 0).putInt(1).put(json).array();
                sent.add(producer.send(new ProducerRecord<>(args[1], value)));
            }
        }
        for (int i = 0; i < sent.size(); i++) {
            try {
                System.out.println(i + " " + sent.get(i).get().offset());
            } catch (ExecutionException error) {
                System.out.println(i + " " + error.getCause().getClass().getSimpleName() + ": " + error.getCause().getMessage());
            }
        }
    }
}
