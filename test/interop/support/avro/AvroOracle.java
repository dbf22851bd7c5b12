import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.io.JsonEncoder;
import org.apache.avro.util.RandomData;

/** Answers questions about Avro with Apache's own library: a line of JSON in, a line of JSON out. */
public class AvroOracle {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        GenericData.get().setFastReaderEnabled(false);
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            ObjectNode answer = JsonNodeFactory.instance.objectNode();
            try {
                answer(JSON.readTree(line), answer);
            } catch (Exception | StackOverflowError e) {
                answer.removeAll();
                answer.put("error", e.toString());
            }
            out.println(JSON.writeValueAsString(answer));
        }
        out.flush();
    }

    private static void answer(JsonNode question, ObjectNode answer) throws Exception {
        switch (question.get("ask").textValue()) {
            case "schema": {
                Schema.Parser parser = parser();
                List<Schema> references = new ArrayList<>();
                for (JsonNode text : question.withArray("references")) references.add(parser.parse(text.textValue()));
                Schema schema = parser.parse(question.get("schema").textValue());
                answer.put("canonical", schema.toString(references, false)).put("resolved", schema.toString());
                break;
            }
            case "pair": {
                ArrayNode found = answer.putArray("found");
                for (SchemaCompatibility.Incompatibility one : SchemaCompatibility.checkReaderWriterCompatibility(
                        schema(question, "reader"), schema(question, "writer")).getResult().getIncompatibilities())
                    found.addArray().add(one.getType().toString()).add(one.getLocation()).add(one.getMessage());
                break;
            }
            case "value": {
                Schema schema = schema(question, "schema");
                // What is JSON here in its binary form, and what is binary as JSON.
                answer.put("hex", hex(schema, reader(schema).read(null, DecoderFactory.get().jsonDecoder(schema, question.get("json").textValue()))));
                byte[] bytes = HexFormat.of().parseHex(question.get("hex").textValue());
                answer.put("json", json(schema, reader(schema).read(null, DecoderFactory.get().binaryDecoder(bytes, null))));
                break;
            }
            case "random": {
                Schema schema = schema(question, "schema");
                Object value = new RandomData(schema, 1, question.get("seed").longValue()).iterator().next();
                answer.put("hex", hex(schema, value)).put("json", json(schema, value));
                break;
            }
            default:
                throw new IllegalArgumentException("no such question");
        }
    }

    /** Maps stay in their order (the fast reader would use maps of its own). */
    private static GenericDatumReader<Object> reader(Schema schema) {
        return new GenericDatumReader<>(schema) {
            @Override
            protected Object newMap(Object old, int size) {
                return new LinkedHashMap<>();
            }
        };
    }

    private static Schema schema(JsonNode question, String name) {
        return parser().parse(question.get(name).textValue());
    }

    private static Schema.Parser parser() {
        return new Schema.Parser().setValidateDefaults(false);
    }

    private static String hex(Schema schema, Object value) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
        new GenericDatumWriter<>(schema).write(value, encoder);
        encoder.flush();
        return HexFormat.of().formatHex(out.toByteArray());
    }

    private static String json(Schema schema, Object value) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        JsonEncoder encoder = EncoderFactory.get().jsonEncoder(schema, out);
        new GenericDatumWriter<>(schema).write(value, encoder);
        encoder.flush();
        return out.toString(StandardCharsets.UTF_8);
    }
}
