// Stands in for Apache Kafka's tool of this name, as far as librdkafka's tests call it: create, alter and delete a topic.
import { readArguments, withAdmin } from './admin.js';

const options = readArguments(['bootstrap-server', 'topic', 'partitions', 'replication-factor', 'config'], ['create', 'alter', 'delete']);
const topic = options.topic[0];

await withAdmin(options['bootstrap-server'][0], async (admin) => {
  if (options.create) {
    const configEntries = (options.config ?? []).map((entry) => {
      const at = entry.indexOf('=');
      return { name: entry.slice(0, at), value: entry.slice(at + 1) };
    });
    await admin.createTopics({ topics: [{
      topic, configEntries,
      numPartitions: Number(options.partitions?.[0] ?? -1), replicationFactor: Number(options['replication-factor']?.[0] ?? -1),
    }] });
  } else if (options.alter) {
    await admin.createPartitions({ topicPartitions: [{ topic, count: Number(options.partitions[0]) }] });
  } else if (options.delete) {
    await admin.deleteTopics({ topics: [topic] });
  }
});
