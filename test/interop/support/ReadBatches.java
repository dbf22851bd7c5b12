import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;

/** Reads record batches, one line of hex each, as a Kafka broker and consumer do, and prints every record as a line of JSON. */
public class ReadBatches {
    public static void main(String[] args) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            for (MutableRecordBatch batch : MemoryRecords.readableRecords(ByteBuffer.wrap(HexFormat.of().parseHex(line))).batches()) {
                batch.ensureValid();
                for (Record record : batch) {
                    record.ensureValid();
                    ObjectNode row = JsonNodeFactory.instance.objectNode().put("codec", batch.compressionType().name).put("offset", record.offset())
                        .put("timestampMs", record.timestamp()).put("sequence", record.sequence());
                    row.put("key", bytes(record.hasKey() ? record.key() : null)).put("value", bytes(record.hasValue() ? record.value() : null));
                    for (Header header : record.headers()) row.withArray("headers").addObject().put("key", header.key()).put("value", header.value());
                    System.out.println(new ObjectMapper().writeValueAsString(row));
                }
            }
        }
    }

    private static byte[] bytes(ByteBuffer buffer) {
        if (buffer == null) return null;
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }
}
