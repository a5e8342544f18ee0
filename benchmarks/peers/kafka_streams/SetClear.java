import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The small job of {@code job.py} on Kafka Streams, with exactly_once_v2 and the
 * in-memory store: the fastest set-up of it that gives the same guarantee.
 *
 * <p>Arguments: servers, prefix, application id, input topic, job, state folder.
 */
public final class SetClear {
  private static final byte[] FLAGGED = bytes("set");
  private static final byte[] SET = bytes("{\"type\":\"set\"}");
  private static final byte[] CLEARED = bytes("{\"type\":\"cleared\"}");
  private static final ObjectMapper JSON = new ObjectMapper();

  private SetClear() {}

  public static void main(String[] told) {
    Properties settings = new Properties();
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, told[0]);
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, told[2]);
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, told[5]);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    settings.put("auto.offset.reset", "earliest");
    boolean latest = told[4].equals("latest");
    Topology flow = new Topology();
    flow.addSource(
        "events",
        Serdes.ByteArray().deserializer(),
        Serdes.ByteArray().deserializer(),
        told[1] + told[3]);
    flow.addProcessor("flags", () -> new Flags(latest), "events");
    flow.addStateStore(
        Stores.keyValueStoreBuilder(
            Stores.inMemoryKeyValueStore("flags"), Serdes.Bytes(), Serdes.ByteArray()),
        "flags");
    flow.addSink(
        "changes",
        told[1] + "mail.address-flags.changes.v1",
        Serdes.ByteArray().serializer(),
        Serdes.ByteArray().serializer(),
        "flags");
    KafkaStreams streams = new KafkaStreams(flow, settings);
    streams.setStateListener(
        (now, before) -> {
          if (now == KafkaStreams.State.RUNNING) {
            System.out.println("READY");
          }
        });
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static final class Flags implements Processor<byte[], byte[], byte[], byte[]> {
    private final boolean latest;
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<org.apache.kafka.common.utils.Bytes, byte[]> flags;

    Flags(boolean latest) {
      this.latest = latest;
    }

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
      this.context = context;
      this.flags = context.getStateStore("flags");
    }

    @Override
    public void process(Record<byte[], byte[]> event) {
      try {
        JsonNode read = JSON.readTree(event.value());
        boolean failed = read.get("outcome").textValue().equals("failed");
        var key = org.apache.kafka.common.utils.Bytes.wrap(event.key());
        if (latest) {
          flags.put(key, bytes(read.get("id").textValue()));
          if (failed) {
            context.forward(event.withValue(SET));
          }
          return;
        }
        if (failed == Arrays.equals(flags.get(key), FLAGGED)) {
          return;
        }
        flags.put(key, failed ? FLAGGED : null);
        context.forward(event.withValue(failed ? SET : CLEARED));
      } catch (java.io.IOException unreadable) {
        throw new IllegalStateException(unreadable);
      }
    }
  }
}
