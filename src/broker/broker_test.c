/* One broker in this process: calls from other threads, deadlines of connections, topics over a
 * restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "broker/broker.h"
#include "broker/log/log.h"
#include "broker/log/partition.h"
#include "broker/topics/catalog.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/tarn-broker-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return 0;
}

static int remove_folder(void **state)
{
    struct tarn_error err;
    (void)state;
    return tarn_path_remove(folder, &err) == TARN_OK ? 0 : -1;
}

static struct tarn_broker *start(int64_t idle_ms, int64_t half_ms)
{
    static const struct tarn_listener_options listener = {.host = "localhost"};
    struct tarn_broker_options options;
    struct tarn_broker *broker = NULL;
    struct tarn_error err = {0};
    tarn_broker_options_init(&options);
    options.folder = folder;
    options.listeners = &listener;
    options.listener_count = 1;
    options.durability = TARN_DURABILITY_NONE;
    options.idle_timeout_ms = idle_ms;
    options.half_request_timeout_ms = half_ms;
    if (tarn_broker_open(&options, &broker, &err) != TARN_OK ||
        tarn_broker_start(broker, &err) != TARN_OK)
        fail_msg("%s", err.text);
    return broker;
}

static int connect_to(struct tarn_broker *broker)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)},
                                  .sin_port =
                                      htons((uint16_t)tarn_broker_listener_port(broker, 0))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval patience = {.tv_sec = 60};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void count_up(struct tarn_broker *broker, void *context)
{
    int *count = context;
    struct tarn_error err = {0};
    (*count)++;
    /* on the loop's own thread a call is a call */
    if (*count == 1)
        assert_int_equal(tarn_broker_call(broker, count_up, context, &err), TARN_OK);
}

struct caller {
    struct tarn_broker *broker;
    int *count;
};

static void add_one(struct tarn_broker *broker, void *context)
{
    (void)broker;
    (*(int *)context)++;
}

static void *call_often(void *context)
{
    struct caller *caller = context;
    struct tarn_error err;
    for (int i = 0; i < 500; i++)
        assert_int_equal(tarn_broker_call(caller->broker, add_one, caller->count, &err), TARN_OK);
    return NULL;
}

static void test_calls_from_other_threads(void **state)
{
    (void)state;
    struct tarn_broker *broker = start(60000, 60000);
    struct tarn_error err = {0};
    int count = 0;
    assert_int_equal(tarn_broker_call(broker, count_up, &count, &err), TARN_OK);
    assert_int_equal(count, 2);
    struct caller caller = {broker, &count};
    pthread_t threads[4];
    for (size_t i = 0; i < TARN_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &caller), 0);
    for (size_t i = 0; i < TARN_COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(count, 2 + 4 * 500);
    tarn_broker_close(broker);
}

/* Reads to the end of the connection, also a hard one; the bytes that came. */
static ssize_t read_to_end(int fd)
{
    char bytes[256];
    ssize_t total = 0, got;
    while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0)
        total += got;
    close(fd);
    return total;
}

static void test_silent_and_halting_connections_are_closed(void **state)
{
    (void)state;
    struct tarn_broker *broker = start(40, 10);
    int silent = connect_to(broker), halting = connect_to(broker);
    assert_int_equal(send(halting, "\0\0\1\0ab", 6, 0), 6);
    assert_int_equal(read_to_end(halting), 0);
    assert_int_equal(read_to_end(silent), 0);
    tarn_broker_close(broker);
}

static void make_topics(struct tarn_broker *broker, void *context)
{
    struct tarn_catalog *catalog = tarn_broker_catalog(broker);
    TARN_AUTO(tarn_topic_overrides_release) struct tarn_topic_overrides overrides = {{NULL}};
    struct tarn_topic *topic;
    struct tarn_error err = {0};
    (void)context;
    assert_int_equal(
        tarn_topic_overrides_set(&overrides, TARN_TEXT("retention.ms"), TARN_TEXT("5"), &err),
        TARN_OK);
    assert_int_equal(tarn_catalog_create(catalog, TARN_TEXT("b"), 2, &overrides, &topic, &err),
                     TARN_KAFKA_NONE);
    assert_int_equal(tarn_catalog_create(catalog, TARN_TEXT("a.x"), 1, NULL, &topic, &err),
                     TARN_KAFKA_NONE);
    assert_int_equal(tarn_catalog_create(catalog, TARN_TEXT("c"), 1, NULL, &topic, &err),
                     TARN_KAFKA_NONE);
    assert_int_equal(tarn_catalog_create(catalog, TARN_TEXT("c"), 1, NULL, &topic, &err),
                     TARN_KAFKA_TOPIC_ALREADY_EXISTS);
    assert_int_equal(tarn_catalog_create(catalog, TARN_TEXT("a_x"), 1, NULL, &topic, &err),
                     TARN_KAFKA_INVALID_TOPIC_EXCEPTION);
    assert_int_equal(tarn_catalog_create(catalog, TARN_TEXT(".."), 1, NULL, &topic, &err),
                     TARN_KAFKA_INVALID_TOPIC_EXCEPTION);
    assert_int_equal(tarn_catalog_create(catalog, TARN_TEXT("d"), 0, NULL, &topic, &err),
                     TARN_KAFKA_INVALID_PARTITIONS);
    assert_int_equal(
        tarn_catalog_grow(catalog, tarn_catalog_find(catalog, TARN_TEXT("b")), 4, &err),
        TARN_KAFKA_NONE);
    assert_int_equal(
        tarn_catalog_grow(catalog, tarn_catalog_find(catalog, TARN_TEXT("b")), 4, &err),
        TARN_KAFKA_INVALID_PARTITIONS);
    assert_int_equal(tarn_catalog_remove(catalog, tarn_catalog_find(catalog, TARN_TEXT("c")), &err),
                     TARN_KAFKA_NONE);
}

static void check_topics(struct tarn_broker *broker, void *context)
{
    struct tarn_catalog *catalog = tarn_broker_catalog(broker);
    (void)context;
    assert_int_equal(tarn_catalog_count(catalog), 2);
    assert_string_equal(tarn_catalog_at(catalog, 0)->name, "a.x");
    struct tarn_topic *topic = tarn_catalog_at(catalog, 1);
    assert_string_equal(topic->name, "b");
    assert_int_equal(topic->partition_count, 4);
    assert_int_equal(topic->settings.retention_ms, 5);
    assert_ptr_equal(tarn_catalog_find_id(catalog, &topic->id), topic);
    assert_null(tarn_catalog_find(catalog, TARN_TEXT("c")));
    assert_int_equal(tarn_partition_number(tarn_topic_partition(topic, 3)), 3);
    assert_null(tarn_topic_partition(topic, 4));
    assert_null(tarn_topic_partition(topic, -1));
}

static void test_topics_outlive_the_broker(void **state)
{
    (void)state;
    char cluster_id[32];
    struct tarn_error err = {0};
    struct tarn_broker *broker = start(60000, 60000);
    assert_int_equal(tarn_broker_call(broker, make_topics, NULL, &err), TARN_OK);
    assert_int_equal(tarn_broker_call(broker, check_topics, NULL, &err), TARN_OK);
    snprintf(cluster_id, sizeof cluster_id, "%s", tarn_broker_cluster_id(broker));
    assert_int_equal(strlen(cluster_id), 22);
    tarn_broker_close(broker);
    broker = start(60000, 60000);
    assert_int_equal(tarn_broker_call(broker, check_topics, NULL, &err), TARN_OK);
    assert_string_equal(tarn_broker_cluster_id(broker), cluster_id);
    tarn_broker_close(broker);
}

static void test_after_stopping_calls_say_so(void **state)
{
    (void)state;
    struct tarn_error err = {0};
    struct tarn_broker *broker = start(60000, 60000);
    int count = 0, waiting = connect_to(broker);
    tarn_broker_stop(broker);
    assert_int_equal(read_to_end(waiting), 0);
    while (tarn_broker_call(broker, add_one, &count, &err) == TARN_OK)
        ;
    assert_int_equal(err.status, TARN_CANCELLED);
    assert_false(tarn_broker_post(broker, add_one, &count));
    tarn_broker_close(broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_calls_from_other_threads, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_silent_and_halting_connections_are_closed, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_topics_outlive_the_broker, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_after_stopping_calls_say_so, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
