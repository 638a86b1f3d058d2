import static org.apache.parquet.filter2.predicate.FilterApi.*;

import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.filter2.compat.FilterCompat;
import org.apache.parquet.filter2.predicate.FilterPredicate;
import org.apache.parquet.filter2.predicate.Operators;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimestampLogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType;
import shaded.parquet.com.fasterxml.jackson.databind.JsonNode;
import shaded.parquet.com.fasterxml.jackson.databind.ObjectMapper;
import shaded.parquet.com.fasterxml.jackson.databind.node.ObjectNode;

/** Reads Parquet files with parquet-java; read.py says what the tasks and answers are. */
public class Read {
  static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] args) throws IOException {
    PrintStream answers = System.out;
    System.setOut(System.err);
    BufferedReader tasks = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = tasks.readLine()) != null; ) {
      ObjectNode answer = JSON.createObjectNode();
      try {
        JsonNode task = JSON.readTree(line);
        if (task.get("files").size() != 1) {
          throw new IllegalArgumentException("parquet-java unites no files");
        }
        Path file = Path.of(task.get("files").get(0).asText());
        if (task.get("do").asText().equals("dump")) {
          dump(file, Path.of(task.get("to").asText()), answer);
        } else {
          for (JsonNode filter : task.get("filters")) {
            answer.withArray("counts").add(count(file, filter));
          }
        }
      } catch (Throwable e) {
        e.printStackTrace();
        answer.removeAll().put("error", e.toString());
      }
      answers.println(answer);
      answers.flush();
    }
  }

  /** Makes a reader of groups, all means of skipping pages and row groups switched on. */
  static class Builder extends ParquetReader.Builder<Group> {
    Builder(Path file) {
      super(new LocalInputFile(file), new PlainParquetConfiguration());
      useStatsFilter();
      useDictionaryFilter();
      useBloomFilter();
      useColumnIndexFilter();
      useRecordFilter();
      usePageChecksumVerification();
    }

    @Override
    protected ReadSupport<Group> getReadSupport() {
      return new GroupReadSupport();
    }
  }

  static MessageType schema(Path file) throws IOException {
    try (ParquetFileReader reader = ParquetFileReader.open(new LocalInputFile(file))) {
      return reader.getFileMetaData().getSchema();
    }
  }

  static void dump(Path file, Path to, ObjectNode answer) throws IOException {
    MessageType schema = schema(file);
    List<List<byte[]>> columns = new ArrayList<>();
    for (ColumnDescriptor c : schema.getColumns()) {
      columns.add(new ArrayList<>());
      answer.withArray("columns").add(c.getPath()[0]);
      answer.withArray("kinds").add(kind(c.getPrimitiveType()));
    }
    int rows = 0;
    try (ParquetReader<Group> reader = new Builder(file).build()) {
      for (Group row; (row = reader.read()) != null; rows++) {
        for (int i = 0; i < columns.size(); i++) {
          columns.get(i).add(cell(schema.getType(i).asPrimitiveType(), row, i));
        }
      }
    }
    answer.put("rows", rows);
    try (DataOutputStream out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(to), 1 << 16))) {
      for (List<byte[]> column : columns) {
        for (byte[] cell : column) {
          out.writeInt(cell.length);
          out.write(cell);
        }
      }
    }
  }

  static String kind(PrimitiveType type) {
    return switch (type.getPrimitiveTypeName()) {
      case BOOLEAN -> "bool";
      case INT32 -> "int32";
      case INT64 -> type.getLogicalTypeAnnotation() instanceof TimestampLogicalTypeAnnotation ? "timestamp" : "int64";
      case DOUBLE -> "double";
      default -> "text";
    };
  }

  static byte[] cell(PrimitiveType type, Group row, int i) {
    if (row.getFieldRepetitionCount(i) == 0) {
      return new byte[] {'n'};
    }
    String value =
        switch (type.getPrimitiveTypeName()) {
          case BOOLEAN -> Boolean.toString(row.getBoolean(i, 0));
          case INT32 -> Integer.toString(row.getInteger(i, 0));
          case INT64 -> whole(type, row.getLong(i, 0));
          case DOUBLE -> String.format("%016x", Double.doubleToRawLongBits(row.getDouble(i, 0)));
          default -> null;
        };
    if (value != null) {
      return ("v" + value).getBytes(StandardCharsets.UTF_8);
    }
    if (!LogicalTypeAnnotation.stringType().equals(type.getLogicalTypeAnnotation())) {
      throw new IllegalArgumentException("a column of type " + type);
    }
    byte[] text = row.getBinary(i, 0).getBytes();
    byte[] cell = new byte[text.length + 1];
    cell[0] = 'v';
    System.arraycopy(text, 0, cell, 1, text.length);
    return cell;
  }

  static String whole(PrimitiveType type, long value) {
    if (type.getLogicalTypeAnnotation() instanceof TimestampLogicalTypeAnnotation t && !t.isAdjustedToUTC()) {
      throw new IllegalArgumentException("a timestamp that is not of UTC: " + type);
    }
    return Long.toString(value);
  }

  static int count(Path file, JsonNode filter) throws IOException {
    String column = filter.get("column").asText();
    MessageType only = new MessageType("hunting", schema(file).getType(column));
    Builder builder = new Builder(file);
    builder.withFilter(FilterCompat.get(predicate(filter, column)));
    builder.set(ReadSupport.PARQUET_READ_SCHEMA, only.toString());
    int rows = 0;
    try (ParquetReader<Group> reader = builder.build()) {
      while (reader.read() != null) {
        rows++;
      }
    }
    return rows;
  }

  static FilterPredicate predicate(JsonNode filter, String column) {
    String op = filter.get("op").asText();
    String value = op.contains("null") ? null : filter.path("value").asText("");
    return switch (filter.get("kind").asText()) {
      case "bool" -> same(booleanColumn(column), op, value == null ? null : Boolean.valueOf(value));
      case "int32" -> ordered(intColumn(column), op, value == null ? null : Integer.valueOf(value));
      case "double" -> ordered(doubleColumn(column), op, value == null ? null : Double.longBitsToDouble(Long.parseUnsignedLong(value, 16)));
      case "text" -> ordered(binaryColumn(column), op, value == null ? null : Binary.fromString(value));
      default -> ordered(longColumn(column), op, value == null ? null : Long.valueOf(value));
    };
  }

  static <T extends Comparable<T>, C extends Operators.Column<T> & Operators.SupportsEqNotEq> FilterPredicate same(C column, String op, T value) {
    return switch (op) {
      case "=", "null" -> eq(column, value);
      case "not null" -> notEq(column, value);
      default -> throw new IllegalArgumentException("no order of booleans");
    };
  }

  static <T extends Comparable<T>, C extends Operators.Column<T> & Operators.SupportsLtGt> FilterPredicate ordered(C column, String op, T value) {
    return switch (op) {
      case "<" -> lt(column, value);
      case ">=" -> gtEq(column, value);
      default -> same(column, op, value);
    };
  }
}
