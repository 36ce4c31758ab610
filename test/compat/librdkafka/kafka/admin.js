// What the stand-ins for Kafka's command-line tools share. librdkafka's tests call them through KAFKA_PATH.
import kafkajs from 'kafkajs';

// `--name value` and `--name=value` as { name: [values] }, flags as { name: true }.
export function readArguments(names, flags) {
  const found = {};
  const words = process.argv.slice(2);
  while (words.length) {
    const [, name, value] = words.shift().match(/^--([a-z-]+)(?:=(.*))?$/) ?? [];
    if (flags.includes(name)) found[name] = true;
    else if (names.includes(name)) (found[name] ??= []).push(value ?? words.shift());
    else throw new Error(`${process.argv[1]}: no such option: ${name}`);
  }
  return found;
}

export async function withAdmin(brokers, work) {
  const kafka = new kafkajs.Kafka({ clientId: 'tool', brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.disconnect();
  }
}
