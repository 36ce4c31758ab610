import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;

/**
 * Prints every version of every message as Apache Kafka encodes it, one line each: name, version, variant, hex.
 *
 * <p>The fields of a version come from Kafka's own schema of it. Variant "full" sets every field to a value that is not
 * its default, "bare" leaves arrays and strings empty, numbers at -1, whatever may be null at null and tagged fields out.
 */
public final class Golden {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private final boolean full;
    private int count;

    private Golden(boolean full) {
        this.full = full;
    }

    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(Files.newOutputStream(Path.of(args[1])), false, "UTF-8");
        for (String line : Files.readAllLines(Path.of(args[0]))) {
            String[] words = line.split(" ");
            if (words[0].equals("api")) {
                print(out, words[2] + "Request", words[2] + "RequestData", words[6]);
                print(out, words[2] + "Response", words[2] + "ResponseData", words[6]);
            } else if (words[0].equals("blob")) {
                print(out, words[1], words[1], words[3]);
            }
        }
        out.close();
    }

    private static void print(PrintStream out, String name, String type, String versions) throws Exception {
        Class<?> message = Class.forName("org.apache.kafka.common.message." + type);
        Class<?> converter = Class.forName("org.apache.kafka.common.message." + type + "JsonConverter");
        Schema[] schemas = (Schema[]) message.getField("SCHEMAS").get(null);
        int last = Integer.parseInt(versions.split("-")[1]);
        for (short version = Short.parseShort(versions.split("-")[0]); version <= last; version++) {
            for (boolean full : List.of(true, false)) {
                JsonNode json = new Golden(full).struct(schemas[version]);
                Message filled = (Message) converter.getMethod("read", JsonNode.class, short.class).invoke(null, json, version);
                out.println(snake(name) + " " + version + " " + (full ? "full" : "bare") + " " + encode(filled, version));
            }
        }
    }

    private static String encode(Message message, short version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(buffer), cache, version);
        return HexFormat.of().formatHex(buffer.array());
    }

    private ObjectNode struct(Schema schema) {
        ObjectNode json = JSON.objectNode();
        for (BoundField field : schema.fields()) {
            if (!(field.def.type instanceof TaggedFields tags)) {
                json.set(camel(field.def.name), value(field.def.name, field.def.type));
                continue;
            }
            if (full) {
                for (Field tagged : tags.fields().values()) {
                    json.set(camel(tagged.name), value(tagged.name, tagged.type));
                }
            }
        }
        return json;
    }

    private JsonNode value(String name, Type type) {
        if (type instanceof Schema schema) {
            return !full && name.endsWith("cursor") ? JSON.nullNode() : struct(schema);
        }
        if (!full && type.isNullable()) {
            return JSON.nullNode();
        }
        if (type.arrayElementType().isPresent()) {
            ArrayNode items = JSON.arrayNode();
            for (int i = 0; full && i < 2; i++) {
                items.add(value(name, type.arrayElementType().get()));
            }
            return items;
        }
        return primitive(type.toString().replace("COMPACT_", "").replace("NULLABLE_", ""));
    }

    /** Each value is different from the one before, and its bytes from each other, so that a swap shows. */
    private JsonNode primitive(String type) {
        count++;
        return switch (type) {
            case "BOOLEAN" -> JSON.booleanNode(full);
            case "INT8" -> JSON.numberNode(full ? 1 + count % 100 : -1);
            case "INT16" -> JSON.numberNode(full ? 0x0100 + count : -1);
            case "UINT16" -> JSON.numberNode(full ? 0xf100 + count : 0xffff);
            case "INT32" -> JSON.numberNode(full ? 0x01020300 + count : -1);
            case "INT64" -> JSON.numberNode(full ? 0x0102030405060700L + count : -1L);
            case "FLOAT64" -> JSON.numberNode(full ? 0.25 + count : -1.0);
            case "UUID" -> JSON.textNode(new Uuid(full ? 0x1112131415161718L : 0, full ? 0x2122232425262700L + count : 0).toString());
            case "STRING" -> JSON.textNode(full ? "s" + count + (count % 7 == 0 ? "-\u00e9\u20ac" : "") : "");
            case "BYTES", "RECORDS" -> JSON.binaryNode(full ? new byte[] {(byte) 0xff, 0, (byte) count} : new byte[0]);
            default -> throw new IllegalArgumentException(type);
        };
    }

    private static String camel(String name) {
        StringBuilder out = new StringBuilder();
        for (String part : name.split("_")) {
            out.append(out.isEmpty() ? part : Character.toUpperCase(part.charAt(0)) + part.substring(1));
        }
        return out.toString();
    }

    private static String snake(String name) {
        return name.replaceAll("(?<=[a-z0-9])(?=[A-Z])", "_").toLowerCase();
    }
}
