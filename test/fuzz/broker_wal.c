/* test/fuzz/broker_wal.c -- a write-ahead file of any kind behind a valid header: opening the log
 * ends at the first commit that is not whole, what was found can be read, and a second opening
 * finds the same. The commits' sums are made right first, so that damage gets past them. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "broker/log/bytes.h"
#include "broker/log/journal.h"
#include "broker/log/log.h"
#include "broker/log/partition.h"
#include "broker/log/record_batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER_BYTES = 64, COMMIT_HEADER_BYTES = 32 };
static char folder[64];

/* Sequence, salted CRC and batches' CRCs as a log would write them; lengths are left alone. */
static void mend(uint8_t *bytes, size_t len)
{
    uint64_t sequence = 1;
    for (size_t at = HEADER_BYTES; len - at >= COMMIT_HEADER_BYTES && at < len; sequence++) {
        uint8_t *commit = bytes + at;
        uint32_t all = le32_get(commit), meta = le32_get(commit + 24);
        if (all > len - at || meta > all || meta < COMMIT_HEADER_BYTES)
            return;
        le64_put(commit + 8, sequence);
        le32_put(commit + 4, tarn_crc32c(0, commit + 8, meta - 8));
        for (size_t batch = meta; all - batch >= TARN_BATCH_HEADER_BYTES && batch < all;) {
            uint8_t *start = commit + batch;
            uint64_t size = (uint64_t)be32_get(start + 8) + 12;
            if (size > all - batch || size < TARN_BATCH_HEADER_BYTES)
                break;
            be32_put(start + 17, tarn_crc32c(0, start + 21, (size_t)size - 21));
            batch += (size_t)size;
        }
        at += all;
    }
}

static void write_file(const uint8_t *data, size_t size)
{
    uint8_t *bytes = tarn_alloc(HEADER_BYTES + size);
    memcpy(bytes, "TARNWAL1", 8);
    le64_put(bytes + 8, 1);
    le64_put(bytes + 16, 1);
    le32_put(bytes + 28, tarn_crc32c(0, bytes, 28));
    if (size > 0)
        memcpy(bytes + HEADER_BYTES, data, size);
    mend(bytes, HEADER_BYTES + size);
    struct tarn_error err;
    char path[100];
    snprintf(path, sizeof path, "%s/wal", folder);
    assert(tarn_directory_make(path, &err) == TARN_OK);
    snprintf(path, sizeof path, "%s/wal/1.wal", folder);
    assert(tarn_file_create_unsynced(path, (struct tarn_text){(char *)bytes, HEADER_BYTES + size},
                                     &err) == TARN_OK);
    free(bytes);
}

static bool read_partition(void *context, struct tarn_partition *partition)
{
    TARN_BUFFER(bytes, 1 << 24);
    struct tarn_read read;
    struct tarn_error err;
    int64_t *sum = context;
    *sum += tarn_partition_end_offset(partition) + tarn_partition_size_bytes(partition);
    if (tarn_partition_read(partition, tarn_partition_start_offset(partition), INT64_MAX, 1 << 20,
                            true, &bytes, &read, &err) == TARN_OK)
        *sum += read.size_bytes;
    return true;
}

static bool add_key(void *context, struct tarn_text key, struct tarn_text value)
{
    *(int64_t *)context += (int64_t)(key.len * 3 + value.len);
    return true;
}

static int64_t open_and_read(void)
{
    struct tarn_log_options options;
    struct tarn_log *log;
    struct tarn_error err;
    int64_t sum = 0;
    tarn_log_options_init(&options);
    options.folder = folder;
    options.durable = false;
    options.read_only = true;
    if (tarn_log_open(&options, &log, &err) != TARN_OK)
        return -1;
    tarn_log_each_partition(log, read_partition, &sum);
    tarn_journal_each(log, TARN_TEXT(""), add_key, &sum);
    tarn_log_close(log);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_error err;
    snprintf(folder, sizeof folder, "/dev/shm/tarn-fuzz-wal-%d", (int)getpid());
    assert(tarn_path_remove(folder, &err) == TARN_OK);
    write_file(data, size);
    int64_t first = open_and_read();
    assert(open_and_read() == first);
    assert(tarn_path_remove(folder, &err) == TARN_OK);
    return 0;
}
