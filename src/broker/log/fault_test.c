/* broker/log/fault_test.c -- the n-th call of the log to its files fails, for every n: what was
 * acknowledged stays, what failed did not happen, readers go on; after a failed sync nothing more
 * is acknowledged. */
#include <errno.h>
#include <unistd.h>

#include "broker/log/io.h"
#include "broker/log/log_fixture.h"

enum { COMMITS = 60, NEVER = INT32_MAX };

enum call { CALL_OPEN, CALL_WRITE, CALL_SHORT_WRITE, CALL_ALLOCATE, CALL_SYNC, CALL_NAME, CALLS };

struct fault {
    struct tarn_log_io io;
    enum call what;
    _Atomic int calls; /* of that kind */
    int nth;           /* fails, and so do the `times` - 1 behind it */
    int times;
    int error;
};

static bool fails(struct fault *fault, enum call what)
{
    if (what != fault->what)
        return false;
    int call = ++fault->calls;
    errno = fault->error;
    return call >= fault->nth && call < fault->nth + fault->times;
}

static int fault_open(void *context, const char *path, int flags)
{
    return fails(context, CALL_OPEN) ? -1 : tarn_log_io_system.open(NULL, path, flags);
}

static ssize_t fault_pwritev(void *context, int fd, const struct iovec *pieces, int count,
                             int64_t at)
{
    if (fails(context, CALL_WRITE))
        return -1;
    if (fails(context, CALL_SHORT_WRITE)) { /* half of the first piece, and then an error */
        struct fault *fault = context;
        if (fault->calls == fault->nth && pieces[0].iov_len > 1)
            return pwrite(fd, pieces[0].iov_base, pieces[0].iov_len / 2, at);
        errno = fault->error;
        return -1;
    }
    return tarn_log_io_system.pwritev(NULL, fd, pieces, count, at);
}

static int fault_allocate(void *context, int fd, int64_t size)
{
    return fails(context, CALL_ALLOCATE) ? -1 : tarn_log_io_system.allocate(NULL, fd, size);
}

static int fault_sync(void *context, int fd)
{
    (void)fd; /* the power does not fail here: see power_test.c */
    return fails(context, CALL_SYNC) ? -1 : 0;
}

static int fault_sync_folder(void *context, const char *path)
{
    (void)path;
    return fails(context, CALL_SYNC) ? -1 : 0;
}

static int fault_rename(void *context, const char *from, const char *to)
{
    return fails(context, CALL_NAME) ? -1 : tarn_log_io_system.rename(NULL, from, to);
}

static int fault_remove(void *context, const char *path)
{
    return fails(context, CALL_NAME) ? -1 : tarn_log_io_system.remove(NULL, path);
}

static int fault_make_folder(void *context, const char *path)
{
    return fails(context, CALL_NAME) ? -1 : tarn_log_io_system.make_folder(NULL, path);
}

static void fault_init(struct fault *fault, enum call what, int nth, int times, int error)
{
    *fault = (struct fault){.what = what, .nth = nth, .times = times, .error = error};
    fault->io = tarn_log_io_system;
    fault->io.context = fault;
    fault->io.open = fault_open;
    fault->io.pwritev = fault_pwritev;
    fault->io.allocate = fault_allocate;
    fault->io.sync = fault_sync;
    fault->io.sync_all = fault_sync;
    fault->io.sync_folder = fault_sync_folder;
    fault->io.rename = fault_rename;
    fault->io.remove = fault_remove;
    fault->io.make_folder = fault_make_folder;
}

/* Which commits happened, and which were reported durable. */
struct outcome {
    int written[COMMITS + 1], durable[COMMITS + 1];
    int errors;
};

static void run(struct fixture *fixture, struct outcome *outcome)
{
    struct tarn_log *log;
    while (tarn_log_open(&fixture->options, &log, &fixture->err) != TARN_OK)
        outcome->errors++;
    fixture->log = log;
    struct tarn_partition *partition = NULL;
    while (!partition) {
        struct tarn_commit *commit = tarn_commit_begin(log);
        uint64_t position;
        partition = tarn_commit_create_partition(commit, fixture_topic, 0, &fixture->settings);
        if (tarn_commit_write(commit, &position, &fixture->err) != TARN_OK) {
            partition = NULL;
            if (++outcome->errors > 50)
                break; /* a failed sync is for good */
        }
    }
    for (int i = 1; i <= COMMITS && partition; i++) {
        uint64_t position;
        int64_t end = tarn_partition_end_offset(partition);
        int64_t offset = fixture_append(
            fixture, partition,
            (struct fixture_batch){.producer_id = 1, .sequence = i, .value_bytes = 400}, &position);
        outcome->written[i] = offset >= 0;
        outcome->errors += offset < 0;
        if (offset < 0)
            assert_true(fixture->err.status == TARN_IO || fixture->err.status == TARN_NO_SPACE);
        else if (i % 5 == 0)
            outcome->durable[i] = fixture_sync(fixture, position) == TARN_OK;
        assert_int_equal(tarn_partition_end_offset(partition), end + (offset >= 0));
        tarn_log_poll(log);
        fixture->now_ms += 1001; /* background jobs are tried again after a second */
        if (fixture->options.io &&
            ((struct fault *)fixture->options.io->context)->what != CALL_OPEN)
            assert_int_equal(fixture_count(fixture, partition, 0, 3000), end + (offset >= 0));
    }
    fixture_close(fixture);
}

/* Everything that happened is there, in order, and nothing else. */
static void check_outcome(struct fixture *fixture, const struct outcome *outcome)
{
    fixture->options.io = NULL;
    fixture_open(fixture);
    struct tarn_partition *partition = tarn_log_find_partition(fixture->log, fixture_topic, 0);
    int64_t at = 0;
    bool cut = false;
    for (int i = 1; i <= COMMITS; i++) {
        if (!outcome->written[i])
            continue;
        assert_non_null(partition);
        TARN_BUFFER(bytes, 1 << 20);
        struct tarn_read read;
        int64_t end = tarn_partition_end_offset(partition);
        if (at == end)
            cut = true;
        if (cut) { /* not durable: may be gone after a failed sync */
            assert_false(outcome->durable[i]);
            continue;
        }
        if (tarn_partition_read(partition, at, end, 1, true, &bytes, &read, &fixture->err) !=
            TARN_OK)
            fail_msg("%s", fixture->err.text);
        struct tarn_record_batch batch;
        assert_int_equal(tarn_batch_parse(tarn_buffer_text(&bytes), &batch, &fixture->err),
                         TARN_OK);
        assert_int_equal(batch.base_sequence, i);
        at++;
    }
    if (partition)
        assert_int_equal(tarn_partition_end_offset(partition), at);
}

static int try_fault(enum call what, int nth, int times, int error)
{
    struct fixture fixture;
    struct fault fault;
    struct outcome outcome = {.errors = 0};
    fixture_init(&fixture);
    fixture.options.wal_first_bytes = 4 * 1024;
    fixture.options.wal_max_bytes = 8 * 1024;
    fixture.settings.segment_bytes = 6000;
    fault_init(&fault, what, nth, times, error);
    fixture.options.io = &fault.io;
    run(&fixture, &outcome);
    check_outcome(&fixture, &outcome);
    fixture_release(&fixture);
    if (nth == NEVER)
        assert_int_equal(outcome.errors, 0);
    return fault.calls;
}

static void try_all(enum call what, int times, int error)
{
    int calls = try_fault(what, NEVER, 0, error);
    assert_true(calls > 0);
    for (int nth = 1; nth <= calls; nth++)
        try_fault(what, nth, times, error);
}

static void opens_fail(void **state)
{
    (void)state;
    try_all(CALL_OPEN, 1, EIO);
}

static void writes_fail(void **state)
{
    (void)state;
    try_all(CALL_WRITE, 1, EIO);
    try_all(CALL_WRITE, 3, ENOSPC);
    try_all(CALL_SHORT_WRITE, 2, ENOSPC);
}

static void the_disk_is_full_for_a_while(void **state)
{
    (void)state;
    try_all(CALL_ALLOCATE, 4, ENOSPC);
}

static void syncs_fail(void **state)
{
    (void)state;
    try_all(CALL_SYNC, 1, EIO);
}

static void names_fail(void **state)
{
    (void)state;
    try_all(CALL_NAME, 1, EIO);
}

/* After a failed sync: waits get the error, commits are refused, reads go on. */
static void nothing_is_acknowledged_after_a_failed_sync(void **state)
{
    (void)state;
    struct fixture fixture;
    struct fault fault;
    fixture_init(&fixture);
    fault_init(&fault, CALL_SYNC, NEVER, 1, EIO);
    fixture.options.io = &fault.io;
    fixture_open(&fixture);
    struct tarn_partition *partition = fixture_partition(&fixture, 0);
    uint64_t position;
    fixture_append(&fixture, partition, (struct fixture_batch){0}, &position);
    assert_int_equal(fixture_sync(&fixture, position), TARN_OK);
    fault.nth = fault.calls + 1;
    fixture_append(&fixture, partition, (struct fixture_batch){0}, &position);
    assert_int_equal(fixture_sync(&fixture, position), TARN_IO);
    assert_int_equal(fixture_sync(&fixture, position - 1), TARN_OK);
    assert_int_equal(fixture_append(&fixture, partition, (struct fixture_batch){0}, &position), -1);
    assert_int_equal(fixture.err.status, TARN_IO);
    assert_int_equal(tarn_log_health(fixture.log, &fixture.err), TARN_IO);
    assert_int_equal(fixture_count(&fixture, partition, 0, 1000), 2);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_fail),
        cmocka_unit_test(writes_fail),
        cmocka_unit_test(the_disk_is_full_for_a_while),
        cmocka_unit_test(syncs_fail),
        cmocka_unit_test(names_fail),
        cmocka_unit_test(nothing_is_acknowledged_after_a_failed_sync),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
