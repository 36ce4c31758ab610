/* bench/broker_latency.c -- how long one record takes: from produce to its acknowledgement, and
 * from produce to a consumer, at a steady rate. One process, so that both ends share a clock.
 *
 *   broker_latency BROKERS TOPIC RATE SECONDS ACKS       prints one JSON object, times in
 * microseconds */
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

enum { PAYLOAD_BYTES = 100, WARM_UP_US = 1000000, FLUSH_MS = 10000 };

struct times {
    int64_t *us;
    size_t count, cap;
};

struct bench {
    const char *brokers, *topic, *acks;
    int64_t rate, seconds, start_us;
    struct times acked, received;
    _Atomic bool is_done, is_ready;
};

static void add(struct bench *bench, struct times *times, int64_t sent_us)
{
    int64_t now_us = tarn_monotonic_us();
    if (sent_us < bench->start_us + WARM_UP_US)
        return;
    TARN_RESERVE(times->us, times->cap, times->count + 1);
    times->us[times->count++] = now_us - sent_us;
}

static int by_value(const void *a, const void *b)
{
    return (*(const int64_t *)a > *(const int64_t *)b) -
           (*(const int64_t *)a < *(const int64_t *)b);
}

static void print_times(const char *name, struct times *times)
{
    static const double points[] = {0.5, 0.9, 0.99, 0.999};
    qsort(times->us, times->count, sizeof *times->us, by_value);
    printf("\"%s\":{\"count\":%zu", name, times->count);
    for (size_t i = 0; times->count > 0 && i < TARN_COUNT(points); i++)
        printf(",\"p%g\":%lld", points[i] * 100,
               (long long)times->us[(size_t)((double)(times->count - 1) * points[i])]);
    printf("}");
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char problem[300];
    if (rd_kafka_conf_set(conf, name, value, problem, sizeof problem) != RD_KAFKA_CONF_OK) {
        fprintf(stderr, "broker_latency: %s\n", problem);
        exit(3);
    }
}

static rd_kafka_t *make(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char problem[300];
    rd_kafka_t *client = rd_kafka_new(type, conf, problem, sizeof problem);
    if (!client) {
        fprintf(stderr, "broker_latency: %s\n", problem);
        exit(3);
    }
    return client;
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client;
    if (!message->err)
        add(opaque, &((struct bench *)opaque)->acked, (int64_t)(intptr_t)message->_private);
}

static void *consume(void *context)
{
    struct bench *bench = context;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", bench->brokers);
    set(conf, "group.id", "latency");
    set(conf, "enable.auto.commit", "false");
    set(conf, "fetch.wait.max.ms", "100");
    rd_kafka_t *client = make(RD_KAFKA_CONSUMER, conf);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, bench->topic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_poll_set_consumer(client);
    rd_kafka_assign(client, list);
    rd_kafka_topic_partition_list_destroy(list);
    while (!atomic_load(&bench->is_done)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, 50);
        int64_t sent_us;
        if (message && !message->err && message->len == PAYLOAD_BYTES) {
            memcpy(&sent_us, message->payload, sizeof sent_us);
            add(bench, &bench->received, sent_us);
            atomic_store(&bench->is_ready, true);
        }
        if (message)
            rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    return NULL;
}

static void produce_one(rd_kafka_t *client, const char *topic)
{
    char payload[PAYLOAD_BYTES] = {0};
    int64_t now_us = tarn_monotonic_us();
    memcpy(payload, &now_us, sizeof now_us);
    (void)rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
                            RD_KAFKA_V_VALUE(payload, sizeof payload),
                            RD_KAFKA_V_OPAQUE((void *)(intptr_t)now_us),
                            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
}

static void produce(struct bench *bench)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", bench->brokers);
    set(conf, "acks", bench->acks);
    set(conf, "linger.ms", "0");
    rd_kafka_conf_set_opaque(conf, bench);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *client = make(RD_KAFKA_PRODUCER, conf);
    bench->start_us = INT64_MAX / 2; /* nothing counts before the consumer reads */
    while (!atomic_load(&bench->is_ready)) {
        produce_one(client, bench->topic);
        (void)rd_kafka_poll(client, 10);
    }
    bench->start_us = tarn_monotonic_us();
    int64_t total = bench->rate * (bench->seconds + 1);
    for (int64_t i = 0; i < total; i++) {
        int64_t due_us = bench->start_us + i * 1000000 / bench->rate;
        while (tarn_monotonic_us() < due_us)
            (void)rd_kafka_poll(client, 0);
        produce_one(client, bench->topic);
    }
    (void)rd_kafka_flush(client, FLUSH_MS);
    rd_kafka_destroy(client);
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fputs("usage: broker_latency BROKERS TOPIC RATE SECONDS ACKS\n", stderr);
        return 2;
    }
    struct bench bench = {.brokers = argv[1],
                          .topic = argv[2],
                          .rate = atoll(argv[3]),
                          .seconds = atoll(argv[4]),
                          .acks = argv[5],
                          .start_us = INT64_MAX / 2};
    pthread_t consumer;
    pthread_create(&consumer, NULL, consume, &bench);
    produce(&bench);
    atomic_store(&bench.is_done, true);
    pthread_join(consumer, NULL);
    printf("{");
    print_times("acknowledged_us", &bench.acked);
    printf(",");
    print_times("received_us", &bench.received);
    printf("}\n");
    free(bench.acked.us);
    free(bench.received.us);
    return 0;
}
