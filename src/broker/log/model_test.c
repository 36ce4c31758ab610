/* broker/log/model_test.c -- random operations on the log beside a simple model of it, with
 * reopening and crashing in between: after every step both say the same.
 *
 * A crash is a copy of the folder while the log is open, so it has everything that was written.
 * What is lost with the power is power_test.c's. */
#include "broker/log/log_fixture.h"

enum { PARTITIONS = 4, OFFSETS_MAX = 4000, KEYS = 12, STEPS = 500, PRODUCERS = 3 };

struct model_partition {
    bool exists;
    int64_t start, end;
    int64_t number[OFFSETS_MAX]; /* of the batch that the record came in; -1: a marker */
    int64_t open[PRODUCERS];     /* first offset of the open transaction; -1: none */
    int32_t sequence[PRODUCERS];
};
struct model {
    struct fixture fixture;
    uint64_t random;
    struct model_partition partitions[PARTITIONS];
    struct tarn_partition *real[PARTITIONS];
    char keys[KEYS][20]; /* "": none */
    int64_t batches;
    uint64_t position;
};

static unsigned draw(struct model *model, unsigned below)
{
    model->random = model->random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(model->random >> 33) % below;
}

static int64_t stable(const struct model_partition *partition)
{
    int64_t stable_offset = partition->end;
    for (int i = 0; i < PRODUCERS; i++) {
        if (partition->open[i] >= 0 && partition->open[i] < stable_offset)
            stable_offset = partition->open[i];
    }
    return stable_offset > partition->start ? stable_offset : partition->start;
}

static void write_commit(struct model *model, struct tarn_commit *commit)
{
    if (tarn_commit_write(commit, &model->position, &model->fixture.err) != TARN_OK)
        fail_msg("%s", model->fixture.err.text);
}

static void create(struct model *model, int index)
{
    struct model_partition *partition = &model->partitions[index];
    struct tarn_commit *commit = tarn_commit_begin(model->fixture.log);
    model->real[index] =
        tarn_commit_create_partition(commit, fixture_topic, index, &model->fixture.settings);
    write_commit(model, commit);
    *partition = (struct model_partition){.exists = true};
    for (int i = 0; i < PRODUCERS; i++)
        partition->open[i] = -1;
}

/* A batch for one or two partitions, and a key, in one commit. */
static void append(struct model *model)
{
    struct tarn_commit *commit = tarn_commit_begin(model->fixture.log);
    struct tarn_batch_builder builders[2];
    int count = 0;
    unsigned first = draw(model, PARTITIONS);
    for (unsigned i = 0; i < 2; i++) {
        unsigned index = (first + i) % PARTITIONS;
        struct model_partition *partition = &model->partitions[index];
        if (!partition->exists || (i == 1 && draw(model, 2)))
            continue;
        unsigned producer = draw(model, PRODUCERS + 1);
        bool with_id = producer < PRODUCERS;
        struct fixture_batch what = {
            .count = 1 + (int32_t)draw(model, 4),
            .value_bytes = draw(model, 10) ? draw(model, 200) : 9000,
            .codec = (enum tarn_codec)draw(model, 5),
            .producer_id = with_id ? 10 + (int64_t)producer : 0,
            .sequence = with_id ? partition->sequence[producer] : 0,
            .transactional = with_id && (partition->open[producer] >= 0 || draw(model, 3) == 0),
        };
        if (partition->end + what.count >= OFFSETS_MAX)
            continue;
        struct tarn_record_batch batch = fixture_build(&model->fixture, &builders[count], &what);
        count++;
        int64_t offset;
        assert_int_equal(
            tarn_commit_append(commit, model->real[index], &batch, &offset, &model->fixture.err),
            TARN_OK);
        assert_int_equal(offset, partition->end);
        if (what.transactional && partition->open[producer] < 0)
            partition->open[producer] = offset;
        if (with_id)
            partition->sequence[producer] += what.count;
        for (int32_t j = 0; j < what.count; j++)
            partition->number[partition->end++] = model->batches;
        model->batches++;
    }
    write_commit(model, commit);
    for (int i = 0; i < count; i++)
        tarn_batch_builder_release(&builders[i]);
}

static void end_transactions(struct model *model)
{
    unsigned producer = draw(model, PRODUCERS);
    struct tarn_commit *commit = tarn_commit_begin(model->fixture.log);
    for (int i = 0; i < PARTITIONS; i++) {
        struct model_partition *partition = &model->partitions[i];
        if (!partition->exists || partition->open[producer] < 0 ||
            partition->end + 1 >= OFFSETS_MAX)
            continue;
        int64_t offset;
        assert_int_equal(tarn_commit_append_marker(commit, model->real[i], 10 + (int64_t)producer,
                                                   0, 0, draw(model, 2), &offset,
                                                   &model->fixture.err),
                         TARN_OK);
        assert_int_equal(offset, partition->end);
        partition->number[partition->end++] = -1;
        partition->open[producer] = -1;
    }
    write_commit(model, commit);
}

static void change_keys(struct model *model)
{
    struct tarn_commit *commit = tarn_commit_begin(model->fixture.log);
    for (unsigned i = 0; i < 3; i++) {
        unsigned index = draw(model, KEYS);
        char key[20];
        snprintf(key, sizeof key, "key/%u", index);
        if (draw(model, 3) == 0) {
            tarn_commit_delete(commit, tarn_text_of(key));
            model->keys[index][0] = 0;
        } else {
            snprintf(model->keys[index], sizeof model->keys[index], "%u", draw(model, 1000000));
            tarn_commit_put(commit, tarn_text_of(key), tarn_text_of(model->keys[index]));
        }
    }
    write_commit(model, commit);
}

static void delete_some(struct model *model)
{
    unsigned index = draw(model, PARTITIONS);
    struct model_partition *partition = &model->partitions[index];
    if (!partition->exists) {
        create(model, (int)index);
        return;
    }
    struct tarn_commit *commit = tarn_commit_begin(model->fixture.log);
    if (draw(model, 4) == 0) {
        tarn_commit_delete_partition(commit, model->real[index]);
        partition->exists = false;
    } else {
        int64_t offset =
            partition->start + draw(model, (unsigned)(partition->end - partition->start) + 1) / 2;
        tarn_commit_delete_before(commit, model->real[index], offset);
        partition->start = offset;
    }
    write_commit(model, commit);
}

static void check_partition(struct model *model, int index)
{
    struct model_partition *partition = &model->partitions[index];
    struct tarn_partition *real = tarn_log_find_partition(model->fixture.log, fixture_topic, index);
    assert_int_equal(real != NULL, partition->exists);
    if (!real)
        return;
    assert_int_equal(tarn_partition_start_offset(real), partition->start);
    assert_int_equal(tarn_partition_end_offset(real), partition->end);
    assert_int_equal(tarn_partition_last_stable_offset(real), stable(partition));
    for (int i = 0; i < PRODUCERS; i++) {
        struct tarn_producer producer;
        if (tarn_partition_producer(real, 10 + i, &producer)) {
            assert_int_equal(producer.transaction_start, partition->open[i]);
            assert_int_equal(producer.last_sequence, partition->sequence[i] - 1);
        } else {
            assert_int_equal(partition->sequence[i], 0);
        }
    }
    TARN_BUFFER(bytes, 1 << 24);
    int64_t offset =
        partition->start + draw(model, (unsigned)(partition->end - partition->start) + 1);
    struct tarn_read read;
    if (tarn_partition_read(real, offset, partition->end, draw(model, 2) ? 100000 : 3000, true,
                            &bytes, &read, &model->fixture.err) != TARN_OK)
        fail_msg("%s", model->fixture.err.text);
    assert_int_equal(read.batch_count == 0, offset == partition->end);
    struct tarn_record_batch batch;
    for (size_t at = 0; at < bytes.len; at += batch.size_bytes) {
        struct tarn_text rest = {bytes.data + at, bytes.len - at};
        assert_int_equal(tarn_batch_parse(rest, &batch, &model->fixture.err), TARN_OK);
        assert_true(tarn_batch_crc_ok(&batch));
        if (at == 0)
            assert_true(batch.base_offset <= offset);
        else
            assert_int_equal(batch.base_offset, offset);
        offset = tarn_batch_last_offset(&batch) + 1;
        assert_int_equal(tarn_batch_is_control(&batch), partition->number[batch.base_offset] == -1);
        for (int64_t i = batch.base_offset; i < offset; i++)
            assert_int_equal(partition->number[i], partition->number[batch.base_offset]);
    }
    assert_int_equal(read.next_offset, offset);
}

static void check(struct model *model)
{
    for (int i = 0; i < PARTITIONS; i++)
        check_partition(model, i);
    for (unsigned i = 0; i < KEYS; i++) {
        char key[20];
        snprintf(key, sizeof key, "key/%u", i);
        struct tarn_text value = tarn_journal_get(model->fixture.log, tarn_text_of(key));
        assert_int_equal(value.data != NULL, model->keys[i][0] != 0);
        assert_true(!value.data || tarn_text_is(value, model->keys[i]));
    }
}

static void find_partitions(struct model *model)
{
    for (int i = 0; i < PARTITIONS; i++) {
        model->real[i] = tarn_log_find_partition(model->fixture.log, fixture_topic, i);
        if (model->real[i])
            tarn_partition_configure(model->real[i], &model->fixture.settings);
    }
}

/* Goes on with a copy of the folder as it is now, or of what a clean close leaves. */
static void reopen(struct model *model, bool crash)
{
    struct fixture *fixture = &model->fixture;
    if (!crash) {
        fixture_close(fixture);
        fixture_open(fixture);
        assert_true(tarn_log_recovery(fixture->log)->clean);
        find_partitions(model);
        return;
    }
    /* No job may be moving files while they are copied one after the other. */
    assert_int_equal(fixture_sync(fixture, model->position), TARN_OK);
    if (draw(model, 2) == 0)
        assert_int_equal(tarn_log_settle(fixture->log, false, &fixture->err), TARN_OK);
    else
        while (tarn_log_wait(fixture->log, 20))
            continue;
    char copy[sizeof fixture->folder], command[300];
    snprintf(copy, sizeof copy, "/tmp/tarn-log-test-XXXXXX");
    assert_non_null(mkdtemp(copy));
    snprintf(command, sizeof command, "cp -r %s/. %s", fixture->folder, copy);
    assert_int_equal(system(command), 0);
    fixture_close(fixture);
    assert_int_equal(tarn_path_remove(fixture->folder, &fixture->err), TARN_OK);
    strcpy(fixture->folder, copy);
    fixture_open(fixture);
    find_partitions(model);
}

static void step(struct model *model)
{
    unsigned what = draw(model, 100);
    model->fixture.now_ms += draw(model, 300);
    if (what < 60)
        append(model);
    else if (what < 72)
        end_transactions(model);
    else if (what < 84)
        change_keys(model);
    else if (what < 90)
        delete_some(model);
    else if (what < 97)
        tarn_log_poll(model->fixture.log);
    else if (what < 98)
        assert_int_equal(tarn_log_settle(model->fixture.log, false, &model->fixture.err), TARN_OK);
    else
        reopen(model, what == 99);
}

static void says_the_same_as_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct model *model = tarn_alloc(sizeof *model);
        model->random = seed * 977;
        fixture_init(&model->fixture);
        model->fixture.options.wal_first_bytes = 8 * 1024;
        model->fixture.options.wal_max_bytes = 32 * 1024;
        model->fixture.options.durable = seed % 4 == 0;
        model->fixture.settings.segment_bytes = 12000;
        fixture_open(&model->fixture);
        for (int i = 0; i < PARTITIONS; i++)
            create(model, i);
        for (int i = 0; i < STEPS; i++) {
            step(model);
            check(model);
        }
        fixture_release(&model->fixture);
        free(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(says_the_same_as_the_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
