/* bench/broker_log.c -- what the broker's log can do without a network: appending, durable commits,
 * reading, and how much memory it takes.
 *
 *   broker_log FOLDER [SECONDS]
 *
 * One line each, JSON. The producer's side (building batches) is done before the clock starts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "broker/log/log.h"
#include "broker/log/partition.h"
#include "broker/log/record_batch.h"
#include "broker/topics/topic_config.h"

enum { PARTITIONS_MAX = 1000, SAMPLES_MAX = 2000000 };

struct bench {
    const char *folder;
    double seconds;
    struct tarn_log *log;
    struct tarn_topic_settings settings;
    struct tarn_partition *partitions[PARTITIONS_MAX];
    struct tarn_error err;
    int64_t *samples;
    size_t sample_count;
};

static void fail(struct bench *bench)
{
    fprintf(stderr, "broker_log: %s\n", bench->err.text);
    exit(3);
}

static void must(struct bench *bench, enum tarn_status status)
{
    if (status != TARN_OK)
        fail(bench);
}

static void open_log(struct bench *bench, int partitions)
{
    static const uint8_t topic[16] = "bench";
    struct tarn_log_options options;
    tarn_log_options_init(&options);
    options.folder = bench->folder;
    must(bench, tarn_path_remove(bench->folder, &bench->err));
    must(bench, tarn_log_open(&options, &bench->log, &bench->err));
    struct tarn_commit *commit = tarn_commit_begin(bench->log);
    for (int i = 0; i < partitions; i++)
        bench->partitions[i] = tarn_commit_create_partition(commit, topic, i, &bench->settings);
    uint64_t position;
    must(bench, tarn_commit_write(commit, &position, &bench->err));
}

static long resident_kib(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[200];
    long kib = 0;
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "RssAnon: %ld", &kib) == 1)
            break;
    }
    if (file)
        fclose(file);
    return kib;
}

static struct tarn_record_batch build(struct bench *bench, struct tarn_batch_builder *builder,
                                      size_t record_bytes, size_t batch_bytes)
{
    char *value = tarn_alloc(record_bytes);
    struct tarn_record_batch batch;
    memset(value, 'x', record_bytes);
    tarn_batch_builder_init(builder, TARN_CODEC_NONE, 64 << 20);
    do {
        tarn_batch_builder_add(builder, tarn_now_us() / 1000, (struct tarn_text){0},
                               (struct tarn_text){value, record_bytes}, NULL, 0);
    } while (tarn_batch_builder_size(builder) + record_bytes < batch_bytes);
    must(bench, tarn_batch_builder_finish(builder, &batch, &bench->err));
    free(value);
    return batch;
}

/* Validates and appends as a Produce handler does, without waiting. */
static void append(struct bench *bench, size_t record_bytes, size_t batch_bytes, int partitions)
{
    open_log(bench, partitions);
    struct tarn_batch_builder builder;
    struct tarn_record_batch batch = build(bench, &builder, record_bytes, batch_bytes);
    struct tarn_text bytes = {(const char *)batch.bytes, batch.size_bytes};
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    int64_t start = tarn_monotonic_us(), until = start + (int64_t)(bench->seconds * 1e6), now;
    int64_t batches = 0, slowest = 0, before = start;
    do {
        struct tarn_batch_check check;
        if (tarn_batch_validate(bytes, &bench->settings, 9, tarn_now_us() / 1000, arena, &check,
                                &bench->err) != TARN_KAFKA_NONE)
            fail(bench);
        struct tarn_commit *commit = tarn_commit_begin(bench->log);
        int64_t offset;
        uint64_t position;
        must(bench, tarn_commit_append(commit, bench->partitions[batches % partitions],
                                       &check.batch, &offset, &bench->err));
        must(bench, tarn_commit_write(commit, &position, &bench->err));
        tarn_log_poll(bench->log);
        now = tarn_monotonic_us();
        if (now - before > slowest)
            slowest = now - before;
        before = now;
        batches++;
    } while (now < until);
    double seconds = (double)(now - start) / 1e6;
    printf(
        "{\"bench\": \"append\", \"record_bytes\": %zu, \"batch_bytes\": %u, \"partitions\": %d, "
        "\"records_per_second\": %.0f, \"mb_per_second\": %.0f, \"slowest_ms\": %.1f, "
        "\"memory_kib\": %ld}\n",
        record_bytes, batch.size_bytes, partitions, (double)batches * batch.record_count / seconds,
        (double)batches * batch.size_bytes / seconds / 1e6, (double)slowest / 1000, resident_kib());
    tarn_log_close(bench->log);
    tarn_batch_builder_release(&builder);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void done(void *context, enum tarn_status status)
{
    *(int *)context = (int)status;
}

/* One commit to `partitions` partitions at a time, each waited for. */
static void durable(struct bench *bench, size_t batch_bytes, int partitions)
{
    open_log(bench, partitions);
    struct tarn_batch_builder builder;
    struct tarn_record_batch batch = build(bench, &builder, 100, batch_bytes);
    int64_t start = tarn_monotonic_us(), until = start + (int64_t)(bench->seconds * 1e6), now = 0;
    bench->sample_count = 0;
    while (now < until && bench->sample_count < SAMPLES_MAX) {
        int64_t began = tarn_monotonic_us();
        struct tarn_commit *commit = tarn_commit_begin(bench->log);
        int64_t offset;
        uint64_t position;
        for (int i = 0; i < partitions; i++)
            must(bench,
                 tarn_commit_append(commit, bench->partitions[i], &batch, &offset, &bench->err));
        must(bench, tarn_commit_write(commit, &position, &bench->err));
        int status = -1;
        tarn_log_wait_durable(bench->log, position, done, &status);
        while (status < 0)
            tarn_log_wait(bench->log, 1000);
        must(bench, (enum tarn_status)status);
        now = tarn_monotonic_us();
        bench->samples[bench->sample_count++] = now - began;
    }
    qsort(bench->samples, bench->sample_count, sizeof *bench->samples, by_size);
    printf("{\"bench\": \"durable\", \"batch_bytes\": %u, \"partitions\": %d, \"commits\": %zu, "
           "\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f}\n",
           batch.size_bytes, partitions, bench->sample_count,
           (double)bench->samples[bench->sample_count / 2] / 1000,
           (double)bench->samples[bench->sample_count * 99 / 100] / 1000,
           (double)bench->samples[bench->sample_count - 1] / 1000);
    tarn_log_close(bench->log);
    tarn_batch_builder_release(&builder);
}

/* From the page cache, a mebibyte at a time. */
static void read_back(struct bench *bench, size_t batch_bytes, int partitions, bool settled)
{
    open_log(bench, partitions);
    struct tarn_batch_builder builder;
    struct tarn_record_batch batch = build(bench, &builder, 100, batch_bytes);
    int64_t total = 0, offset;
    uint64_t position;
    for (int i = 0; total < (settled ? 200 : 50) << 20; i++, total += batch.size_bytes) {
        struct tarn_commit *commit = tarn_commit_begin(bench->log);
        must(bench, tarn_commit_append(commit, bench->partitions[i % partitions], &batch, &offset,
                                       &bench->err));
        must(bench, tarn_commit_write(commit, &position, &bench->err));
    }
    if (settled)
        must(bench, tarn_log_settle(bench->log, false, &bench->err));
    TARN_BUFFER(bytes, 64 << 20);
    int64_t start = tarn_monotonic_us(), read_bytes = 0;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < partitions; i++) {
            int64_t at = 0, end = tarn_partition_end_offset(bench->partitions[i]);
            while (at < end) {
                struct tarn_read read;
                tarn_buffer_clear(&bytes);
                must(bench, tarn_partition_read(bench->partitions[i], at, end, 1 << 20, true,
                                                &bytes, &read, &bench->err));
                at = read.next_offset;
                read_bytes += read.size_bytes;
            }
        }
    }
    double seconds = (double)(tarn_monotonic_us() - start) / 1e6;
    printf("{\"bench\": \"read\", \"from\": \"%s\", \"batch_bytes\": %u, \"partitions\": %d, "
           "\"mb_per_second\": %.0f}\n",
           settled ? "segments" : "tail", batch.size_bytes, partitions,
           (double)read_bytes / seconds / 1e6);
    tarn_log_close(bench->log);
    tarn_batch_builder_release(&builder);
}

static void opening(struct bench *bench)
{
    must(bench, tarn_path_remove(bench->folder, &bench->err));
    struct tarn_log_options options;
    tarn_log_options_init(&options);
    options.folder = bench->folder;
    long before = resident_kib();
    int64_t start = tarn_monotonic_us();
    must(bench, tarn_log_open(&options, &bench->log, &bench->err));
    int64_t opened = tarn_monotonic_us();
    printf("{\"bench\": \"open\", \"what\": \"empty folder\", \"ms\": %.2f, \"memory_kib\": %ld}\n",
           (double)(opened - start) / 1000, resident_kib() - before);
    tarn_log_close(bench->log);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: broker_log FOLDER [SECONDS]\n");
        return 2;
    }
    struct bench bench = {.folder = argv[1], .seconds = argc > 2 ? atof(argv[2]) : 3};
    struct tarn_topic_overrides overrides = {{0}};
    must(&bench, tarn_topic_settings_make(&overrides, &bench.settings, &bench.err));
    bench.samples = tarn_alloc_array(SAMPLES_MAX, sizeof *bench.samples);
    setvbuf(stdout, NULL, _IOLBF, 0);
    opening(&bench);
    static const size_t sizes[] = {16 << 10, 128 << 10, 1000000};
    for (size_t i = 0; i < TARN_COUNT(sizes); i++) {
        append(&bench, 100, sizes[i], 1);
        append(&bench, 1024, sizes[i], 1);
    }
    append(&bench, 1024, 64 << 10, 64);
    append(&bench, 1024, 16 << 10, 1000);
    durable(&bench, 200, 1);
    durable(&bench, 16 << 10, 1);
    durable(&bench, 200, 64);
    durable(&bench, 16 << 10, 64);
    read_back(&bench, 200, 1, false);
    read_back(&bench, 16 << 10, 1, false);
    read_back(&bench, 16 << 10, 64, false);
    read_back(&bench, 16 << 10, 1, true);
    read_back(&bench, 200, 1, true);
    free(bench.samples);
    return 0;
}
