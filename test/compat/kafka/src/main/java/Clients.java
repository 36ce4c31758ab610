import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AccessControlEntryFilter;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourcePatternFilter;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Apache Kafka's own clients against `tarn broker`: Clients BINARY. Prints what failed; exit code 1 when something did. */
public final class Clients {
    interface Step {
        Object run() throws Exception;
    }

    private static int failed, passed;
    private static String address;

    private static void check(String name, Object expected, Step step) {
        Object found;
        try {
            found = step.run();
        } catch (ExecutionException error) {
            found = error.getCause().getClass().getSimpleName();
        } catch (Exception error) {
            found = error.toString();
        }
        if (Objects.equals(expected, found)) {
            passed++;
        } else {
            failed++;
            System.out.println("  " + name + ": expected " + expected + ", found " + found);
        }
    }

    private static Map<String, Object> config(Object... pairs) {
        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", address, "request.timeout.ms", 10000));
        for (int i = 0; i < pairs.length; i += 2) {
            config.put((String) pairs[i], pairs[i + 1]);
        }
        return config;
    }

    private static KafkaProducer<String, String> producer(Object... pairs) {
        return new KafkaProducer<>(config(pairs), new StringSerializer(), new StringSerializer());
    }

    private static KafkaConsumer<String, String> consumer(String group, Object... pairs) {
        Map<String, Object> config = config(pairs);
        config.putAll(Map.of("group.id", group, "auto.offset.reset", "earliest", "enable.auto.commit", false));
        return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
    }

    /** Values of a subscribed consumer until there are `count`, or half a minute has gone by. */
    private static List<String> take(KafkaConsumer<String, String> consumer, int count) {
        List<String> values = new ArrayList<>();
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (values.size() < count && System.nanoTime() < end) {
            consumer.poll(Duration.ofMillis(200)).forEach(record -> values.add(record.value()));
        }
        return values;
    }

    private static void topics(Admin admin) {
        check("create", null, () -> admin.createTopics(List.of(new NewTopic("t1", 3, (short) 1),
            new NewTopic("t2", Optional.of(2), Optional.empty()))).all().get());
        check("create again", "TopicExistsException", () -> admin.createTopics(List.of(new NewTopic("t1", 3, (short) 1))).all().get());
        check("list", Set.of("t1", "t2"), () -> admin.listTopics().names().get());
        check("describe", List.of(0, 1, 2), () -> admin.describeTopics(List.of("t1")).allTopicNames().get().get("t1")
            .partitions().stream().map(one -> one.partition()).toList());
        check("describe nothing", "UnknownTopicOrPartitionException", () -> admin.describeTopics(List.of("no")).allTopicNames().get());
        check("grow", null, () -> admin.createPartitions(Map.of("t1", NewPartitions.increaseTo(5))).all().get());
        check("shrink", "InvalidPartitionsException", () -> admin.createPartitions(Map.of("t1", NewPartitions.increaseTo(2))).all().get());
        check("cluster", List.of(1, 1), () -> {
            var cluster = admin.describeCluster(new DescribeClusterOptions().includeAuthorizedOperations(true));
            return List.of(cluster.nodes().get().size(), cluster.controller().get().id());
        });
        check("log folders", 7, () -> admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1).values().iterator().next()
            .replicaInfos().size());
        check("delete by id", null, () -> admin.deleteTopics(TopicCollection.ofTopicIds(
            List.of(admin.describeTopics(List.of("t2")).allTopicNames().get().get("t2").topicId()))).all().get());
        check("delete again", "UnknownTopicOrPartitionException", () -> admin.deleteTopics(List.of("t2")).all().get());
    }

    private static void configs(Admin admin) {
        var topic = new ConfigResource(ConfigResource.Type.TOPIC, "t1");
        var broker = new ConfigResource(ConfigResource.Type.BROKER, "1");
        var group = new ConfigResource(ConfigResource.Type.GROUP, "g1");
        Supplier<String> policy = () -> {
            try {
                return admin.describeConfigs(List.of(topic)).all().get().get(topic).get("cleanup.policy").value();
            } catch (Exception error) {
                return error.toString();
            }
        };
        check("append", null, () -> admin.incrementalAlterConfigs(Map.of(
            topic, List.of(change("cleanup.policy", "compact", AlterConfigOp.OpType.APPEND)),
            broker, List.of(change("log.cleanup.policy", "compact", AlterConfigOp.OpType.APPEND)),
            group, List.of(change("consumer.session.timeout.ms", "50000", AlterConfigOp.OpType.SET)))).all().get());
        check("appended", "delete,compact", policy::get);
        check("subtract", null, () -> admin.incrementalAlterConfigs(Map.of(
            topic, List.of(change("cleanup.policy", "compact", AlterConfigOp.OpType.SUBTRACT)))).all().get());
        check("subtracted", "delete", policy::get);
        check("bad value", "InvalidConfigurationException", () -> admin.incrementalAlterConfigs(Map.of(
            topic, List.of(change("retention.ms", "x", AlterConfigOp.OpType.SET)))).all().get());
        check("group", "50000", () -> admin.describeConfigs(List.of(group)).all().get().get(group).get("consumer.session.timeout.ms").value());
        check("resources", true, () -> admin.listConfigResources().all().get().contains(group));
    }

    private static AlterConfigOp change(String name, String value, AlterConfigOp.OpType type) {
        return new AlterConfigOp(new ConfigEntry(name, value), type);
    }

    private static void oneNode(Admin admin) {
        var partition = new TopicPartition("t1", 0);
        check("quorum", 1, () -> admin.describeMetadataQuorum().quorumInfo().get().leaderId());
        check("election", "ElectionNotNeededException", () -> admin.electLeaders(ElectionType.PREFERRED, Set.of(partition)).all().get());
        check("reassignments", 0, () -> admin.listPartitionReassignments().reassignments().get().size());
        check("reassign", null, () -> admin.alterPartitionReassignments(Map.of(partition,
            Optional.of(new NewPartitionReassignment(List.of(1))))).all().get());
        check("quotas", 0, () -> admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get().size());
    }

    private static void acls(Admin admin) {
        var entry = new AclBinding(new ResourcePattern(ResourceType.TOPIC, "t", PatternType.PREFIXED),
            new AccessControlEntry("User:alice", "*", AclOperation.READ, AclPermissionType.ALLOW));
        check("acl", null, () -> admin.createAcls(List.of(entry)).all().get());
        check("acl found", List.of(entry), () -> List.copyOf(admin.describeAcls(new AclBindingFilter(
            new ResourcePatternFilter(ResourceType.TOPIC, "t1", PatternType.MATCH), AccessControlEntryFilter.ANY)).values().get()));
        check("acl deleted", List.of(entry), () -> List.copyOf(admin.deleteAcls(List.of(entry.toFilter())).all().get()));
        check("no acls", 0, () -> admin.describeAcls(AclBindingFilter.ANY).values().get().size());
    }

    private static void records(Admin admin) {
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            check("produce " + codec, 100, () -> {
                try (var producer = producer("compression.type", codec, "linger.ms", 5)) {
                    for (int i = 0; i < 100; i++) {
                        producer.send(new ProducerRecord<>("codec-" + codec, 0, "key", "value " + i));
                    }
                }
                try (var consumer = consumer("codecs")) {
                    consumer.assign(List.of(new TopicPartition("codec-" + codec, 0)));
                    return take(consumer, 100).size();
                }
            });
        }
        var partition = new TopicPartition("codec-gzip", 0);
        check("delete records", 40L, () -> admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(40)))
            .lowWatermarks().get(partition).get().lowWatermark());
        check("earliest", 40L, () -> admin.listOffsets(Map.of(partition, OffsetSpec.earliest())).all().get().get(partition).offset());
        check("delete too many", "OffsetOutOfRangeException", () -> admin.deleteRecords(Map.of(partition,
            RecordsToDelete.beforeOffset(101))).all().get());
        check("producers", 1, () -> admin.describeProducers(List.of(partition)).all().get().get(partition).activeProducers().size());
    }

    private static void groups(Admin admin) {
        check("group", List.of("one", "two"), () -> {
            try (var producer = producer()) {
                producer.send(new ProducerRecord<>("groups", "k", "one"));
                producer.send(new ProducerRecord<>("groups", "k", "two"));
            }
            try (var consumer = consumer("readers")) {
                consumer.subscribe(List.of("groups"));
                List<String> values = take(consumer, 2);
                consumer.commitSync();
                return values;
            }
        });
        check("committed", 2L, () -> admin.listConsumerGroupOffsets("readers").partitionsToOffsetAndMetadata().get()
            .get(new TopicPartition("groups", 0)).offset());
        check("groups", true, () -> admin.listGroups().all().get().stream().anyMatch(one -> one.groupId().equals("readers")));
        check("delete group", null, () -> admin.deleteConsumerGroups(List.of("readers")).all().get());
    }

    private static void transactions() {
        check("transactions", List.of("kept"), () -> {
            try (var producer = producer("transactional.id", "tx")) {
                producer.initTransactions();
                producer.beginTransaction();
                producer.send(new ProducerRecord<>("ledger", "k", "dropped"));
                producer.abortTransaction();
                producer.beginTransaction();
                producer.send(new ProducerRecord<>("ledger", "k", "kept"));
                producer.commitTransaction();
            }
            try (var consumer = consumer("auditors", "isolation.level", "read_committed")) {
                consumer.subscribe(List.of("ledger"));
                return take(consumer, 1);
            }
        });
    }

    public static void main(String[] args) throws Exception {
        Path folder = Files.createTempDirectory("tarn-kafka");
        Process broker = new ProcessBuilder(args[0], "broker", "--data", folder.toString(), "--port", "0", "--json", "--quiet")
            .redirectError(ProcessBuilder.Redirect.DISCARD).start();
        try {
            String line = new BufferedReader(new InputStreamReader(broker.getInputStream())).readLine();
            address = "127.0.0.1:" + line.replaceFirst(".*?\"port\":(\\d+).*", "$1");
            try (Admin admin = Admin.create(config())) {
                topics(admin);
                configs(admin);
                oneNode(admin);
                acls(admin);
                records(admin);
                groups(admin);
            }
            transactions();
        } finally {
            broker.destroy();
            broker.waitFor();
        }
        try (var paths = Files.walk(folder)) {
            Collection<Path> all = new ArrayList<>(paths.toList());
            all.stream().sorted((a, b) -> b.compareTo(a)).forEach(path -> path.toFile().delete());
        }
        System.out.println("  " + passed + " checks passed, " + failed + " failed");
        System.exit(failed == 0 ? 0 : 1);
    }
}
