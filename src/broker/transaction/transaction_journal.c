/* broker/transaction/transaction_journal.c -- transactional ids as keys and values of the log's
 * journal.
 *
 *   transaction/ID   version 1, state, bumps, producer id and the one before, epoch and the one
 *                    before, timeout, start, last update, topics with partitions, groups
 *   producer_ids     version 1, end of the block of producer ids that is set aside */
#include "base/log.h"
#include "broker/log/journal.h"
#include "broker/protocol/wire.h"
#include "broker/transaction/transaction_int.h"

enum { VALUE_VERSION = 1, VALUE_MAX_BYTES = 16 << 20 };

#define WRITER(name)                                                                               \
    TARN_AUTO(tarn_wire_writer_release)                                                            \
    struct tarn_wire_writer name;                                                                  \
    tarn_wire_writer_init(&name, VALUE_MAX_BYTES)

static struct tarn_text finish(const struct tarn_wire_writer *writer, struct tarn_arena *arena)
{
    char *bytes = tarn_arena_alloc(arena, writer->len + 1);
    tarn_wire_writer_copy(writer, bytes);
    return (struct tarn_text){bytes, writer->len};
}

static struct tarn_text key_of(struct tarn_arena *arena, struct tarn_text id)
{
    WRITER(writer);
    tarn_wire_write_span(&writer, TARN_TEXT("transaction/"));
    tarn_wire_write_span(&writer, id);
    return finish(&writer, arena);
}

static void write_parts(struct tarn_wire_writer *writer, const struct tarn_transaction *transaction)
{
    tarn_wire_write_count(writer, (int32_t)transaction->topic_count);
    for (size_t t = 0; t < transaction->topic_count; t++) {
        const struct tarn_transaction_topic *topic = &transaction->topics[t];
        tarn_wire_write_string(writer, topic->name);
        tarn_wire_write_count(writer, (int32_t)topic->count);
        for (size_t i = 0; i < topic->count; i++)
            tarn_wire_write_int32(writer, topic->partitions[i]);
    }
    tarn_wire_write_count(writer, (int32_t)transaction->group_count);
    for (size_t i = 0; i < transaction->group_count; i++)
        tarn_wire_write_string(writer, transaction->groups[i]);
}

void tarn_transaction_put(struct tarn_commit *commit, struct tarn_arena *arena,
                          const struct tarn_transaction *transaction)
{
    WRITER(writer);
    tarn_wire_write_int8(&writer, VALUE_VERSION);
    tarn_wire_write_int8(&writer, (int8_t)transaction->state);
    tarn_wire_write_bool(&writer, transaction->bumps);
    tarn_wire_write_int64(&writer, transaction->producer_id);
    tarn_wire_write_int64(&writer, transaction->previous_producer_id);
    tarn_wire_write_int16(&writer, transaction->epoch);
    tarn_wire_write_int16(&writer, transaction->last_epoch);
    tarn_wire_write_int32(&writer, transaction->timeout_ms);
    tarn_wire_write_int64(&writer, transaction->start_ms);
    tarn_wire_write_int64(&writer, transaction->update_ms);
    write_parts(&writer, transaction);
    tarn_commit_put(commit, key_of(arena, transaction->id), finish(&writer, arena));
}

void tarn_transaction_put_nothing(struct tarn_commit *commit, struct tarn_arena *arena,
                                  const struct tarn_transaction *transaction)
{
    tarn_commit_delete(commit, key_of(arena, transaction->id));
}

void tarn_producer_ids_put(struct tarn_commit *commit, struct tarn_arena *arena, int64_t block_end)
{
    WRITER(writer);
    tarn_wire_write_int8(&writer, VALUE_VERSION);
    tarn_wire_write_int64(&writer, block_end);
    tarn_commit_put(commit, TARN_TEXT("producer_ids"), finish(&writer, arena));
}

bool tarn_transaction_write(struct tarn_commit *commit, const char *what,
                            struct tarn_text transactional_id, uint64_t *ret_position)
{
    struct tarn_error err;
    uint64_t position;
    if (tarn_commit_write(commit, &position, &err) == TARN_OK) {
        *ret_position = position;
        return true;
    }
    TARN_AUTO_FREE char *name = tarn_strndup(transactional_id.data, transactional_id.len);
    tarn_log(TARN_LOG_ERROR, "a transaction's state could not be written",
             TARN_LOG_STR("doing", what), TARN_LOG_STR("transactional_id", name),
             TARN_LOG_STR("error", err.text));
    return false;
}

/* ---- reading it back ---- */

struct load {
    struct tarn_transactions *transactions;
    enum tarn_status status;
    struct tarn_error *err;
};

static bool is_whole(struct load *load, const struct tarn_wire_reader *reader, int8_t version,
                     const char *what)
{
    load->status = tarn_wire_reader_check(reader, what, load->err);
    if (load->status == TARN_OK && version != VALUE_VERSION)
        load->status = tarn_fail(load->err, TARN_UNSUPPORTED,
                                 "reading %s: it has version %d, which this program does not know; "
                                 "open the folder with the program that wrote it",
                                 what, version);
    return load->status == TARN_OK;
}

static void read_parts(struct tarn_wire_reader *reader, struct tarn_transaction *transaction)
{
    int32_t topics = tarn_wire_read_count(reader, 6);
    for (int32_t t = 0; t < topics && !reader->fault; t++) {
        struct tarn_text name = tarn_wire_read_string(reader);
        int32_t partitions = tarn_wire_read_count(reader, 4);
        for (int32_t i = 0; i < partitions && name.data; i++)
            tarn_transaction_note_partition(transaction, name, tarn_wire_read_int32(reader));
    }
    int32_t groups = tarn_wire_read_count(reader, 2);
    for (int32_t i = 0; i < groups && !reader->fault; i++) {
        struct tarn_text group_id = tarn_wire_read_string(reader);
        if (group_id.data)
            tarn_transaction_note_group(transaction, group_id);
    }
}

static bool load_transaction(void *context, struct tarn_text key, struct tarn_text value)
{
    struct load *load = context;
    size_t prefix = strlen("transaction/");
    struct tarn_transaction *transaction = tarn_transaction_add(
        load->transactions, (struct tarn_text){key.data + prefix, key.len - prefix});
    struct tarn_wire_reader reader;
    tarn_wire_reader_init(&reader, value);
    int8_t version = tarn_wire_read_int8(&reader);
    int8_t state = tarn_wire_read_int8(&reader);
    if (state < TARN_TRANSACTION_EMPTY || state > TARN_TRANSACTION_ABORTED)
        tarn_wire_fail(&reader, "no such state");
    else
        transaction->state = (enum tarn_transaction_state)state;
    transaction->bumps = tarn_wire_read_bool(&reader);
    transaction->producer_id = tarn_wire_read_int64(&reader);
    transaction->previous_producer_id = tarn_wire_read_int64(&reader);
    transaction->epoch = tarn_wire_read_int16(&reader);
    transaction->last_epoch = tarn_wire_read_int16(&reader);
    transaction->timeout_ms = tarn_wire_read_int32(&reader);
    transaction->start_ms = tarn_wire_read_int64(&reader);
    transaction->update_ms = tarn_wire_read_int64(&reader);
    read_parts(&reader, transaction);
    return is_whole(load, &reader, version, "a transactional id of the journal");
}

enum tarn_status tarn_transactions_load(struct tarn_transactions *transactions,
                                        struct tarn_error *err)
{
    struct load load = {transactions, TARN_OK, err};
    struct tarn_text block = tarn_journal_get(transactions->world.log, TARN_TEXT("producer_ids"));
    if (block.data) {
        struct tarn_wire_reader reader;
        tarn_wire_reader_init(&reader, block);
        int8_t version = tarn_wire_read_int8(&reader);
        transactions->block_end = tarn_wire_read_int64(&reader);
        transactions->next_producer_id = transactions->block_end; /* the rest may be in use */
        (void)is_whole(&load, &reader, version, "the producer ids of the journal");
    }
    if (load.status == TARN_OK)
        tarn_journal_each(transactions->world.log, TARN_TEXT("transaction/"), load_transaction,
                          &load);
    return load.status;
}
