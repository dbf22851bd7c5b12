import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import io.apicurio.registry.resolver.client.RegistryArtifactReference;
import io.apicurio.registry.resolver.client.RegistryClientFacade;
import io.apicurio.registry.resolver.client.RegistryVersionCoordinates;
import io.apicurio.registry.resolver.strategy.ArtifactReference;
import io.apicurio.registry.serde.avro.AvroKafkaDeserializer;
import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import io.apicurio.registry.serde.jsonschema.JsonSchemaKafkaDeserializer;
import io.apicurio.registry.serde.jsonschema.JsonSchemaKafkaSerializer;
import io.apicurio.registry.serde.protobuf.ProtobufKafkaDeserializer;
import io.apicurio.registry.serde.protobuf.ProtobufKafkaSerializer;
import io.confluent.kafka.schemaregistry.avro.AvroSchema;
import io.confluent.kafka.schemaregistry.client.CachedSchemaRegistryClient;
import io.confluent.kafka.schemaregistry.client.rest.RestService;
import io.confluent.kafka.schemaregistry.client.rest.entities.Metadata;
import io.confluent.kafka.schemaregistry.client.rest.entities.Schema;
import io.confluent.kafka.schemaregistry.client.rest.entities.SchemaReference;
import io.confluent.kafka.schemaregistry.client.rest.entities.requests.RegisterSchemaRequest;
import io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;
import io.confluent.kafka.serializers.KafkaAvroDeserializer;
import io.confluent.kafka.serializers.KafkaAvroSerializer;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Callable;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serializer;

/**
 * Registry clients and serdes for Java, driven over standard output; the schemas come over standard input as JSON.
 * `RegistrySerdes client REGISTRY FORMAT SUBJECT`, `rounds REGISTRY BOOTSTRAP FORMAT TOPIC COUNT`.
 */
public class RegistrySerdes {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final Map<String, String> NO_HEADERS = Map.of();

  public static void main(String[] args) throws Exception {
    JsonNode schemas = JSON.readTree(System.in);
    if (args[0].equals("client")) client(new RestService(args[1]), args[1], args[2], args[3], schemas);
    else rounds(args[1], args[2], args[3], args[4], Integer.parseInt(args[5]), schemas);
    System.exit(0);
  }

  private static void show(String name, Object... values) throws Exception {
    System.out.println(JSON.writeValueAsString(Map.of(name, values)));
  }

  /** The status and the code of the error that this ends with. */
  private static Object refusal(Callable<?> act) throws Exception {
    try {
      act.call();
      return "no refusal";
    } catch (RestClientException error) {
      return List.of(error.getStatus(), error.getErrorCode());
    }
  }

  /** All that Confluent's client can ask, against a subject that is not there yet. */
  private static void client(RestService rest, String url, String format, String subject, JsonNode schemas) throws Exception {
    String first = schemas.get("first").asText(), second = schemas.get("second").asText(), breaking = schemas.get("breaking").asText();
    List<SchemaReference> none = List.of();
    show("unknown", refusal(() -> rest.getLatestVersion(subject)), refusal(() -> rest.getAllVersions(subject)),
        refusal(() -> rest.lookUpSubjectVersion(first, format, none, subject, false)), refusal(() -> rest.getId(999999)));
    int id = rest.registerSchema(first, format, none, subject).getId();
    show("registered", rest.registerSchema(first, format, none, subject).getId() == id, rest.getId(id).getSchemaString().equals(first),
        rest.getId(id).getSchemaType() == null ? "AVRO" : rest.getId(id).getSchemaType(), rest.lookUpSubjectVersion(first, format, none, subject, false).getVersion());
    show("not under it", refusal(() -> rest.lookUpSubjectVersion(second, format, none, subject, false)));
    show("checks", rest.testCompatibility(second, format, none, subject, "latest", true).isEmpty(),
        !rest.testCompatibility(breaking, format, none, subject, "latest", true).isEmpty(),
        !rest.testCompatibility(breaking, format, none, subject, null, true).isEmpty());
    show("refused", refusal(() -> rest.registerSchema(breaking, format, none, subject)));
    show("invalid", refusal(() -> rest.registerSchema(schemas.get("invalid").asText(), format, none, subject)));
    int newer = rest.registerSchema(second, format, none, subject).getId();
    Schema latest = rest.getLatestVersion(subject);
    show("evolved", newer > id, latest.getId() == newer, latest.getVersion(), rest.getAllVersions(subject), rest.getVersion(subject, 1).getId() == id,
        // The client takes JSON alone here.
        format.equals("PROTOBUF") || rest.getVersionSchemaOnly(subject, 1).equals(first));
    show("listed", rest.getAllSubjects(subject, false), rest.getAllSubjectsById(id), rest.getAllVersionsById(id).size(), rest.getSchemaTypes().size());

    show("config", rest.getConfig(null).getCompatibilityLevel(), refusal(() -> rest.getConfig(subject)),
        rest.updateCompatibility("NONE", subject).getCompatibilityLevel(), rest.getConfig(subject).getCompatibilityLevel(),
        refusal(() -> rest.updateCompatibility("SOMETIMES", subject)), rest.deleteConfig(subject).getCompatibilityLevel());
    show("mode", rest.getMode().getMode(), refusal(() -> rest.getMode(subject)), rest.setMode("READONLY", subject).getMode(),
        refusal(() -> rest.registerSchema("\"string\"", subject)), rest.deleteSubjectMode(subject).getMode());

    RegisterSchemaRequest request = new RegisterSchemaRequest();
    request.setSchema(second);
    request.setSchemaType(format);
    request.setMetadata(new Metadata(null, Map.of("owner", "k"), null));
    rest.registerSchema(request, subject, false);
    Schema owned = rest.getLatestWithMetadata(subject, Map.of("owner", "k"), false);
    show("metadata", owned.getVersion(), owned.getMetadata().getProperties());

    String part = subject + " part/1";
    rest.registerSchema(schemas.get("part").get("schema").asText(), format, none, part);
    List<SchemaReference> references = List.of(new SchemaReference(schemas.get("part").get("name").asText(), part, 1));
    int referring = rest.registerSchema(schemas.get("whole").asText(), format, references, subject + "-whole").getId();
    show("references", rest.getId(referring).getReferences().equals(references), rest.getReferencedBy(part, 1).equals(List.of(referring)),
        refusal(() -> rest.deleteSchemaVersion(NO_HEADERS, part, "1")));

    if (format.equals("AVRO")) {
      // The client that the serializers use knows schemas as such; the others of them are not to be had from Maven Central.
      CachedSchemaRegistryClient cached = new CachedSchemaRegistryClient(url, 100);
      String other = subject + "-cached";
      int known = cached.register(other, new AvroSchema(first));
      show("cached", known == id, cached.getSchemaById(id).canonicalString().equals(new AvroSchema(first).canonicalString()),
          cached.testCompatibility(other, new AvroSchema(second)), cached.testCompatibilityVerbose(other, new AvroSchema(breaking)).isEmpty(),
          cached.getLatestSchemaMetadata(other).getVersion(), cached.getSchemaBySubjectAndId(subject + "-whole", referring).references().size(),
          ((AvroSchema) cached.getSchemaById(referring)).rawSchema().getField("unit").schema().getFullName());
    }
    show("deleted", rest.deleteSchemaVersion(NO_HEADERS, subject, "1"), rest.deleteSubject(NO_HEADERS, subject),
        refusal(() -> rest.deleteSubject(NO_HEADERS, subject)), refusal(() -> rest.getLatestVersion(subject)), rest.getId(id).getSchemaString().equals(first),
        rest.deleteSubject(NO_HEADERS, subject, true));
  }

  /** Something that serializes and something that deserializes, and what the values are in between. */
  private record Serde(String name, Serializer<Object> serializer, Deserializer<Object> deserializer, Conversion made, Conversion read) {}

  private interface Conversion {
    Object of(Object value) throws Exception;
  }

  /**
   * Values from all serializers of the format and from REST, through the log, to all its deserializers. Each serializer of Avro and
   * Protobuf registers the schema by itself; JSON Schema is looked for under the topic's subject.
   */
  private static void rounds(String url, String bootstrap, String format, String topic, int count, JsonNode schemas) throws Exception {
    String reading = schemas.get("reading").asText();
    RestService rest = new RestService(url);
    if (format.equals("JSON")) rest.registerSchema(reading, format, List.of(), topic + "-value");
    List<Serde> serdes = serdes(url, format, reading);
    List<JsonNode> values = new ArrayList<>();
    for (int i = 0; i < count + 2; i++) values.add(JSON.valueToTree(value(i)));

    List<String> first = new ArrayList<>();
    Properties settings = new Properties();
    settings.putAll(Map.of("bootstrap.servers", bootstrap, "enable.idempotence", true));
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
      for (int i = 0; i < count; i++) {
        Serde serde = serdes.get(i % serdes.size());
        ProducerRecord<byte[], byte[]> empty = new ProducerRecord<>(topic, new byte[0]);
        byte[] bytes = serde.serializer.serialize(topic, empty.headers(), serde.made.of(values.get(i)));
        if (i < serdes.size()) first.add(bytes[0] + " " + ByteBuffer.wrap(bytes, 1, 4).getInt());
        producer.send(new ProducerRecord<>(topic, null, null, null, bytes, empty.headers())).get();
      }
    }
    Schema latest = rest.getLatestVersion(topic + "-value");
    String kind = Map.of("AVRO", "avro", "JSON", "jsonschema", "PROTOBUF", "protobuf").get(format);
    int plain = post(url + "/topics/" + topic + "/records", "application/json", values.get(count).toString());
    int v2 = post(url + "/topics/" + topic, "application/vnd.kafka." + kind + ".v2+json",
        "{\"value_schema_id\":" + latest.getId() + ",\"records\":[{\"value\":" + values.get(count + 1) + "}]}");

    Map<String, Integer> equal = new LinkedHashMap<>();
    settings.putAll(Map.of("auto.offset.reset", "earliest"));
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.assign(List.of(new TopicPartition(topic, 0)));
      int at = 0;
      for (long end = System.nanoTime() + 30_000_000_000L; at < values.size() && System.nanoTime() < end;) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
          for (Serde serde : serdes) {
            Object got = serde.read.of(serde.deserializer.deserialize(topic, record.headers(), record.value()));
            if (JSON.readTree(got.toString()).equals(values.get(at))) equal.merge(serde.name, 1, Integer::sum);
            else System.err.println(serde.name + " read " + got + " where " + values.get(at) + " was written");
          }
          at++;
        }
      }
    }
    HttpResponse<String> records = HTTP.send(HttpRequest.newBuilder(URI.create(url + "/topics/" + topic + "/records?from=earliest")).build(),
        HttpResponse.BodyHandlers.ofString());
    int asJson = 0;
    for (JsonNode record : JSON.readTree(records.body()).get("records")) {
      if (numbers(record.get("value")).equals(values.get(asJson))) asJson++;
      else System.err.println("REST gives " + record + " where " + values.get(asJson) + " was written");
    }
    System.out.println(JSON.writeValueAsString(Map.of("http", List.of(plain, v2), "equal", equal, "as JSON", asJson, "first", first, "id", latest.getId(),
        "version", latest.getVersion(), "type", latest.getSchemaType() == null ? "AVRO" : latest.getSchemaType())));
  }

  private static Map<String, Object> value(int i) {
    Map<String, Object> value = new LinkedHashMap<>();
    value.put("id", 9007199254740993L + i);
    value.put("name", "näme " + i);
    value.put("value", i / 8.0 + 0.0625);
    value.put("tags", List.of("t", "u", "v").subList(0, i % 3 + 1));
    return value;
  }

  /** Protobuf's JSON has text for 64 bits. */
  private static JsonNode numbers(JsonNode value) {
    JsonNode id = value.get("id");
    return id == null || !id.isTextual() ? value : ((com.fasterxml.jackson.databind.node.ObjectNode) value).put("id", Long.parseLong(id.asText()));
  }

  private static int post(String url, String type, String body) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(URI.create(url)).header("content-type", type).POST(HttpRequest.BodyPublishers.ofString(body)).build();
    return HTTP.send(request, HttpResponse.BodyHandlers.ofString()).statusCode();
  }

  @SuppressWarnings("unchecked")
  private static List<Serde> serdes(String url, String format, String reading) throws Exception {
    RegistryClientFacade facade = new ConfluentFacade(url);
    Map<String, Object> apicurio = new HashMap<>(Map.of("apicurio.registry.url", url, "apicurio.registry.auto-register", !format.equals("JSON"),
        "apicurio.registry.find-latest", format.equals("JSON"), "apicurio.registry.serde.validation-enabled", true,
        // What Confluent's Protobuf has in front of a message: the way to it in the file, and not its name.
        "apicurio.registry.serde.send-type-ref", false, "apicurio.registry.serde.read-type-ref", false,
        "apicurio.registry.serde.send-indexes", true, "apicurio.registry.serde.read-indexes", true));
    if (format.equals("JSON")) {
      apicurio.put("apicurio.registry.deserializer.value.return-class", JsonNode.class.getName());
      return List.of(serde("apicurio", new JsonSchemaKafkaSerializer<>(facade), new JsonSchemaKafkaDeserializer<>(facade), apicurio, value -> value, value -> value));
    }
    if (format.equals("PROTOBUF")) {
      apicurio.put("apicurio.registry.deserializer.value.return-class", Reading.class);
      return List.of(serde("apicurio", new ProtobufKafkaSerializer<Message>(facade), new ProtobufKafkaDeserializer<DynamicMessage>(facade), apicurio, value -> {
        DynamicMessage.Builder builder = DynamicMessage.newBuilder(Reading.DESCRIPTOR);
        JsonFormat.parser().merge(value.toString(), builder);
        return builder.build();
      }, value -> numbers(JSON.readTree(JsonFormat.printer().print((Message) value)))));
    }
    org.apache.avro.Schema schema = new org.apache.avro.Schema.Parser().parse(reading);
    Conversion made = value -> {
      JsonNode node = (JsonNode) value;
      GenericRecord record = new GenericData.Record(schema);
      record.put("id", node.get("id").asLong());
      record.put("name", node.get("name").asText());
      record.put("value", node.get("value").asDouble());
      record.put("tags", JSON.convertValue(node.get("tags"), List.class));
      return record;
    };
    Map<String, Object> confluent = Map.of("schema.registry.url", url, "auto.register.schemas", true);
    return List.of(serde("confluent", new KafkaAvroSerializer(), new KafkaAvroDeserializer(), confluent, made, value -> value),
        serde("apicurio", new AvroKafkaSerializer<>(facade), new AvroKafkaDeserializer<>(facade), apicurio, made, value -> value));
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static Serde serde(String name, Serializer serializer, Deserializer deserializer, Map<String, Object> settings, Conversion made, Conversion read) {
    serializer.configure(settings, false);
    deserializer.configure(settings, false);
    return new Serde(name, serializer, deserializer, made, read);
  }

  /** What the serdes use of a class that `protoc` would make. */
  public static class Reading {
    static final Descriptor DESCRIPTOR = descriptor();

    public static DynamicMessage parseFrom(InputStream input) throws IOException {
      return DynamicMessage.parseFrom(DESCRIPTOR, input);
    }

    private static Descriptor descriptor() {
      FileDescriptorProto.Builder file = FileDescriptorProto.newBuilder().setName("reading.proto").setPackage("lab").setSyntax("proto3");
      var message = file.addMessageTypeBuilder().setName("Reading");
      int number = 0;
      for (var field : List.of(Map.entry("id", "INT64"), Map.entry("name", "STRING"), Map.entry("value", "DOUBLE"), Map.entry("tags", "STRING"))) {
        message.addFieldBuilder().setName(field.getKey()).setNumber(++number).setType(FieldDescriptorProto.Type.valueOf("TYPE_" + field.getValue()))
            .setLabel(field.getKey().equals("tags") ? FieldDescriptorProto.Label.LABEL_REPEATED : FieldDescriptorProto.Label.LABEL_OPTIONAL);
      }
      try {
        return FileDescriptor.buildFrom(file.build(), new FileDescriptor[0]).findMessageTypeByName("Reading");
      } catch (Exception error) {
        throw new ExceptionInInitializerError(error);
      }
    }
  }
}

/** Apicurio's serdes ask a registry through an interface of theirs. Here Confluent's client answers it. */
class ConfluentFacade implements RegistryClientFacade {
  private interface Asking<T> {
    T ask() throws Exception;
  }

  private final RestService rest;

  ConfluentFacade(String url) {
    rest = new RestService(url);
  }

  private static <T> T asked(Asking<T> asking) {
    try {
      return asking.ask();
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
  }

  private static List<RegistryArtifactReference> references(List<SchemaReference> references) {
    return references == null ? List.of() : references.stream().map(one -> RegistryArtifactReference.builder()
        .name(one.getName()).artifactId(one.getSubject()).version(String.valueOf(one.getVersion())).build()).toList();
  }

  private static RegistryVersionCoordinates coordinates(Schema schema) {
    long id = schema.getId();
    return RegistryVersionCoordinates.create(id, id, null, schema.getSubject(), String.valueOf(schema.getVersion()));
  }

  private Schema version(String subject, String version) {
    return asked(() -> version == null ? rest.getLatestVersion(subject) : rest.getVersion(subject, Integer.parseInt(version)));
  }

  @Override public String getSchemaByContentId(Long id) {
    return asked(() -> rest.getId(id.intValue()).getSchemaString());
  }

  @Override public String getSchemaByGlobalId(long id, boolean dereferenced) {
    return getSchemaByContentId(id);
  }

  @Override public String getSchemaByGAV(String group, String subject, String version) {
    return version(subject, version).getSchema();
  }

  @Override public String getSchemaByContentHash(String hash) {
    throw new UnsupportedOperationException("no schema is asked for by a hash");
  }

  @Override public List<RegistryArtifactReference> getReferencesByContentId(long id) {
    return references(asked(() -> rest.getId((int) id).getReferences()));
  }

  @Override public List<RegistryArtifactReference> getReferencesByGlobalId(long id) {
    return getReferencesByContentId(id);
  }

  @Override public List<RegistryArtifactReference> getReferencesByGAV(String group, String subject, String version) {
    return references(version(subject, version).getReferences());
  }

  @Override public List<RegistryArtifactReference> getReferencesByContentHash(String hash) {
    throw new UnsupportedOperationException("no schema is asked for by a hash");
  }

  @Override public List<RegistryVersionCoordinates> searchVersionsByContent(String schema, String type, ArtifactReference reference, boolean canonical) {
    return List.of(coordinates(asked(() -> rest.lookUpSubjectVersion(schema, type, List.of(), reference.getArtifactId(), false))));
  }

  @Override public RegistryVersionCoordinates createSchema(String type, String group, String subject, String version, String ifExists, boolean canonical,
      String schema, Set<RegistryArtifactReference> references) {
    List<SchemaReference> refers = references.stream().map(one -> new SchemaReference(one.getName(), one.getArtifactId(), Integer.parseInt(one.getVersion()))).toList();
    asked(() -> rest.registerSchema(schema, type, refers, subject));
    return coordinates(asked(() -> rest.lookUpSubjectVersion(schema, type, refers, subject, false)));
  }

  @Override public RegistryVersionCoordinates getVersionCoordinatesByGAV(String group, String subject, String version) {
    return coordinates(version(subject, version));
  }

  @Override public Object getClient() {
    return rest;
  }
}
