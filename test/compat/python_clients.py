"""confluent-kafka, kafka-python and aiokafka: each makes a topic, writes, reads as a group, commits; transactions where the
client has them.   python_clients.py HOST:PORT"""
import asyncio
import sys
import traceback

BROKER = sys.argv[1]
VALUES = [b"record %d" % number for number in range(100)]


def confluent():
    from confluent_kafka import Consumer, Producer, TopicPartition
    from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

    admin = AdminClient({"bootstrap.servers": BROKER})
    for future in admin.create_topics([NewTopic("confluent", 2, config={"retention.ms": "-1"})]).values():
        future.result(30)
    described = admin.describe_configs([ConfigResource("topic", "confluent")])
    assert list(described.values())[0].result(30)["retention.ms"].value == "-1"

    producer = Producer({"bootstrap.servers": BROKER, "transactional.id": "confluent", "compression.type": "zstd"})
    producer.init_transactions(30)
    producer.begin_transaction()
    for value in VALUES:
        producer.produce("confluent", value, key=value)
    producer.commit_transaction(30)
    producer.begin_transaction()
    producer.produce("confluent", b"never seen")
    producer.abort_transaction(30)

    consumer = Consumer({"bootstrap.servers": BROKER, "group.id": "confluent", "auto.offset.reset": "earliest",
                         "enable.auto.commit": False})
    consumer.subscribe(["confluent"])
    seen = []
    while len(seen) < len(VALUES):
        message = consumer.poll(30)
        assert message is not None and message.error() is None, message and message.error()
        seen.append(message.value())
    consumer.commit(asynchronous=False)
    committed = consumer.committed([TopicPartition("confluent", 0), TopicPartition("confluent", 1)], 30)
    consumer.close()
    assert sorted(seen) == sorted(VALUES)
    assert all(partition.offset > 0 for partition in committed)
    admin.delete_consumer_groups(["confluent"])["confluent"].result(30)
    admin.delete_topics(["confluent"])["confluent"].result(30)


def kafka_python():
    from kafka import KafkaConsumer, KafkaProducer
    from kafka.admin import KafkaAdminClient, NewTopic

    admin = KafkaAdminClient(bootstrap_servers=BROKER)
    admin.create_topics([NewTopic("kafka-python", 1, 1)])
    producer = KafkaProducer(bootstrap_servers=BROKER, acks="all", compression_type="gzip", enable_idempotence=True)
    for value in VALUES:
        producer.send("kafka-python", value, key=b"k", headers=[("source", b"test")])
    producer.flush(30)
    consumer = KafkaConsumer("kafka-python", bootstrap_servers=BROKER, group_id="kafka-python",
                             auto_offset_reset="earliest", consumer_timeout_ms=30000, enable_auto_commit=False)
    seen = []
    for message in consumer:
        seen.append(message.value)
        if len(seen) == len(VALUES):
            break
    consumer.commit()
    consumer.close()
    assert seen == VALUES
    offsets = admin.list_consumer_group_offsets("kafka-python")
    assert [offset.offset for offset in offsets.values()] == [len(VALUES)]
    admin.delete_topics(["kafka-python"])


async def aiokafka_work():
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

    producer = AIOKafkaProducer(bootstrap_servers=BROKER, transactional_id="aiokafka")
    await producer.start()
    async with producer.transaction():
        for value in VALUES:
            await producer.send("aiokafka", value)
    await producer.stop()
    consumer = AIOKafkaConsumer("aiokafka", bootstrap_servers=BROKER, group_id="aiokafka", auto_offset_reset="earliest",
                                isolation_level="read_committed", enable_auto_commit=False)
    await consumer.start()
    seen = [(await asyncio.wait_for(consumer.getone(), 30)).value for _ in VALUES]
    await consumer.commit()
    await consumer.stop()
    assert seen == VALUES


def main():
    failed = 0
    for name, check in [("confluent-kafka", confluent), ("kafka-python", kafka_python),
                        ("aiokafka", lambda: asyncio.run(aiokafka_work()))]:
        try:
            check()
            print(f"  ok   {name}")
        except Exception:  # whatever it is, the next client has its turn
            failed += 1
            print(f"  FAIL {name}\n{traceback.format_exc()}")
    return 1 if failed else 0


sys.exit(main())
