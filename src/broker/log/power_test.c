/* broker/log/power_test.c -- the power fails at every sync, with any part of what was not synced on
 * disk: every commit that was reported durable is there, none is there in part, partitions and
 * journal agree, and the log goes on. */
#include "broker/log/power_fixture.h"

enum { PARTITIONS = 5, COMMITS = 157, IMAGES_MAX = 2000 };

struct world {
    struct fixture fixture;
    struct power power;
    char images[80];
    int touched[COMMITS + 1]; /* bits: the partitions that a commit appends to */
    int sizes[COMMITS + 1];   /* of its values */
    _Atomic int acknowledged; /* the newest commit that was reported durable */
    int image_count;
    int promised[IMAGES_MAX]; /* what was acknowledged when the image was taken */
};

static void take_image(void *context)
{
    struct world *world = context;
    if (world->image_count == IMAGES_MAX)
        return;
    char to[120];
    snprintf(to, sizeof to, "%s/%d", world->images, world->image_count);
    world->promised[world->image_count++] = world->acknowledged;
    assert_int_equal(tarn_directory_make(to, &world->fixture.err), TARN_OK);
    power_image(&world->power, world->fixture.folder, to);
}

struct ack {
    struct world *world;
    int number;
};

static void acknowledged(void *context, enum tarn_status status)
{
    struct ack *ack = context;
    assert_int_equal(status, TARN_OK);
    ack->world->acknowledged = ack->number;
    free(ack);
}

static void commit_number(struct world *world, struct fixture *fixture, int number)
{
    struct tarn_batch_builder builders[PARTITIONS];
    char text[32];
    snprintf(text, sizeof text, "%d", number);
    struct tarn_commit *commit = tarn_commit_begin(fixture->log);
    tarn_commit_put(commit, TARN_TEXT("last"), tarn_text_of(text));
    for (int i = 0; i < PARTITIONS; i++) {
        builders[i] = (struct tarn_batch_builder){0};
        if (!(world->touched[number] & 1 << i))
            continue;
        struct tarn_partition *partition = tarn_log_find_partition(fixture->log, fixture_topic, i);
        struct fixture_batch what = {.key = text,
                                     .producer_id = 1 + i,
                                     .sequence = number,
                                     .value_bytes = (size_t)world->sizes[number]};
        struct tarn_record_batch batch = fixture_build(fixture, &builders[i], &what);
        int64_t offset;
        assert_int_equal(tarn_commit_append(commit, partition, &batch, &offset, &fixture->err),
                         TARN_OK);
    }
    uint64_t position;
    if (tarn_commit_write(commit, &position, &fixture->err) != TARN_OK)
        fail_msg("%s", fixture->err.text);
    for (int i = 0; i < PARTITIONS; i++)
        tarn_batch_builder_release(&builders[i]);
    if (number % 10 == 0) { /* some are only written */
        struct ack *ack = tarn_alloc(sizeof *ack);
        *ack = (struct ack){world, number};
        tarn_log_wait_durable(fixture->log, position, acknowledged, ack);
    }
    if (number % 4 == 1)
        tarn_log_wait(fixture->log, 5);
    else
        tarn_log_poll(fixture->log);
}

/* The partition holds the records of commits 1 to `last` that went to it, in order, and no more. */
static void check_partition(struct world *world, struct fixture *fixture, int number, int last)
{
    struct tarn_partition *partition = tarn_log_find_partition(fixture->log, fixture_topic, number);
    assert_non_null(partition);
    TARN_BUFFER(bytes, 64 << 20);
    struct tarn_read read;
    int64_t end = tarn_partition_end_offset(partition);
    if (tarn_partition_read(partition, 0, end, 32 << 20, true, &bytes, &read, &fixture->err) !=
        TARN_OK)
        fail_msg("%s", fixture->err.text);
    size_t at = 0;
    int newest = 0;
    for (int i = 1; i <= last; i++) {
        if (!(world->touched[i] & 1 << number))
            continue;
        newest = i;
        struct tarn_record_batch batch;
        struct tarn_text rest = {bytes.data + at, bytes.len - at};
        assert_int_equal(tarn_batch_parse(rest, &batch, &fixture->err), TARN_OK);
        assert_true(tarn_batch_crc_ok(&batch));
        assert_int_equal(batch.base_sequence, i);
        at += batch.size_bytes;
    }
    assert_int_equal(at, bytes.len);
    struct tarn_producer producer;
    if (newest > 0) {
        assert_true(tarn_partition_producer(partition, 1 + number, &producer));
        assert_int_equal(producer.last_sequence, newest);
    }
}

static int check_log(struct world *world, struct fixture *fixture, int promised)
{
    struct tarn_text last_text = tarn_journal_get(fixture->log, TARN_TEXT("last"));
    int64_t last = 0;
    if (last_text.data)
        assert_true(tarn_text_to_int64(last_text, &last));
    assert_true(last >= promised);
    for (int i = 0; i < PARTITIONS && last > 0; i++)
        check_partition(world, fixture, i, (int)last);
    return (int)last;
}

/* Opens the image, looks, writes on where it was cut, closes or crashes, and looks again. */
static void check_image(struct world *world, int index)
{
    struct fixture fixture = world->fixture;
    snprintf(fixture.folder, sizeof fixture.folder, "%s/%d", world->images, index);
    fixture.options.folder = fixture.folder;
    fixture.options.clock_context = &fixture;
    fixture.options.io = NULL;
    fixture.options.durable = false; /* the power does not fail again, and syncs take time */
    fixture_open(&fixture);
    int last = check_log(world, &fixture, world->promised[index]);
    for (int i = 0; i < PARTITIONS && last == 0; i++)
        (void)fixture_partition(&fixture, i);
    for (int more = 0; more < 3 && last < COMMITS; more++)
        commit_number(world, &fixture, ++last);
    fixture_close(&fixture);
    fixture_open(&fixture);
    assert_true(tarn_log_recovery(fixture.log)->clean);
    assert_int_equal(check_log(world, &fixture, last), last);
    fixture_close(&fixture);
    assert_int_equal(tarn_path_remove(fixture.folder, &fixture.err), TARN_OK);
}

static void run_world(uint64_t seed)
{
    struct world *world = tarn_alloc(sizeof *world);
    struct fixture *fixture = &world->fixture;
    fixture_init(fixture);
    fixture->options.wal_first_bytes = 8 * 1024;
    fixture->options.wal_max_bytes = 16 * 1024;
    fixture->settings.segment_bytes = 6000;
    snprintf(world->images, sizeof world->images, "%s-images", fixture->folder);
    power_init(&world->power, seed);
    for (int i = 1; i <= COMMITS; i++) {
        for (int j = 0; j < PARTITIONS; j++)
            world->touched[i] |= power_coin(&world->power) << j;
        world->sizes[i] = power_coin(&world->power) ? 700 : 20;
    }
    fixture->options.io = &world->power.io;
    fixture_open(fixture);
    for (int i = 0; i < PARTITIONS; i++)
        (void)fixture_partition(fixture, i);
    assert_int_equal(fixture_sync(fixture, tarn_log_position(fixture->log)), TARN_OK);
    world->power.at_sync = take_image;
    world->power.at_sync_context = world;
    for (int i = 1; i <= COMMITS; i++)
        commit_number(world, fixture, i);
    assert_int_equal(tarn_log_settle(fixture->log, false, &fixture->err), TARN_OK);
    fixture_close(fixture);
    world->power.at_sync = NULL;
    assert_true(world->image_count > 50);
    for (int i = 0; i < world->image_count; i++)
        check_image(world, i);
    power_release(&world->power);
    assert_int_equal(tarn_path_remove(world->images, &fixture->err), TARN_OK);
    fixture_release(fixture);
    free(world);
}

static void power_fails_at_every_sync(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++)
        run_world(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(power_fails_at_every_sync)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
