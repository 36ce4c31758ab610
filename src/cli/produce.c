/* cli/produce.c -- `tarn produce`: writes lines to a topic, one record each. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/topic_access.h"
#include "cli/topic_encoder.h"

static const char help[] =
    "Usage: tarn produce TOPIC [options] < LINES\n"
    "\n"
    "Writes each line of standard input (or --file) as one record, and says how many were "
    "written.\n"
    "\n"
    "  --file FILE         reads the lines from a file\n"
    "  --format FORMAT     raw (default): the line is the value; json: the same, but each line "
    "has\n"
    "                      to be JSON; record: each line is an object as `tarn consume --json`\n"
    "                      prints it: key, value, headers, partition, timestamp; avro: the value "
    "is\n"
    "                      JSON and is encoded by the newest schema that the registry has for\n"
    "                      TOPIC-value, Avro or another\n"
    "  -K, --key-separator SEP   not for record: what stands before SEP is the key\n"
    "  --key KEY           the key of all records\n"
    "  -H, --header N=V ...  headers of all records\n"
    "  -p, --partition N   default: by the key\n"
    "  --null TEXT         a value that is this text is a null (a tombstone)\n"
    "  --acks WHEN         all (default: on disk), 1 (written) or 0 (sent)\n"
    "  --compression NAME  none, gzip, snappy, lz4 or zstd\n"
    "  --transaction ID    all in one transaction of this id, or nothing\n"
    "  --rate N            at most N records a second\n"
    "\n" TARN_TOPIC_ACCESS_HELP TARN_COMMON_HELP "\n"
    "Examples:\n"
    "  echo 'hello' | tarn produce greetings\n"
    "  tarn produce orders -K '|' --format json --file orders.txt\n"
    "  tarn consume orders --json | tarn produce orders_copy --format record\n";

enum { LINGER_MS = 5, HEADERS_MAX = 100, FLUSH_MS = 300000 };

enum format { FORMAT_RAW, FORMAT_JSON, FORMAT_RECORD, FORMAT_AVRO };

struct arguments {
    struct tarn_common common;
    struct tarn_topic_access access;
    struct tarn_strings words, headers;
    const char *file, *format, *key_separator, *key, *null, *acks, *compression, *transaction;
    int64_t partition, rate;
};

struct producer {
    const struct arguments *a;
    enum format format;
    struct tarn_topics *topics;
    struct tarn_topic_writer *writer;
    struct tarn_topic_encoder *encoder; /* FORMAT_AVRO */
    struct tarn_arena *arena;
    struct tarn_topic_header headers[HEADERS_MAX];
    const char *source; /* for errors: "standard input" */
    int64_t lines, written, bytes;
    int64_t start_us;
};

/* ---- lines to records ---- */

static enum tarn_status fail_line(const struct producer *p, struct tarn_error *err,
                                  const char *what, const char *detail)
{
    return tarn_fail(err, TARN_INVALID, "%s, line %lld: %s%s", p->source, (long long)p->lines, what,
                     detail);
}

static void split_key(const struct arguments *a, struct tarn_text line,
                      struct tarn_topic_record *record)
{
    size_t len = a->key_separator ? strlen(a->key_separator) : 0;
    const char *at = len ? memmem(line.data, line.len, a->key_separator, len) : NULL;
    record->value = line;
    if (!at)
        return;
    record->key = (struct tarn_text){line.data, (size_t)(at - line.data)};
    record->value = (struct tarn_text){at + len, line.len - record->key.len - len};
}

/* A JSON string is its text; anything else is its JSON. */
static struct tarn_text side_of(const struct producer *p, const json_t *value)
{
    if (!value || json_is_null(value))
        return (struct tarn_text){NULL, 0};
    if (json_is_string(value))
        return (struct tarn_text){
            tarn_arena_strndup(p->arena, json_string_value(value), json_string_length(value)),
            json_string_length(value)};
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    struct tarn_text copy = tarn_text_of(tarn_arena_strdup(p->arena, text));
    free(text);
    return copy;
}

static enum tarn_status record_headers(struct producer *p, const json_t *headers,
                                       struct tarn_topic_record *record, struct tarn_error *err)
{
    size_t i;
    const json_t *pair;
    if (headers && !json_is_array(headers))
        return fail_line(p, err, "headers is a list of [name, value]", "");
    json_array_foreach (headers, i, pair) {
        const json_t *name = json_array_get(pair, 0);
        if (!json_is_string(name) || record->header_count == HEADERS_MAX)
            return fail_line(p, err, "headers is a list of at most 100 [name, value]", "");
        p->headers[record->header_count++] =
            (struct tarn_topic_header){side_of(p, name), side_of(p, json_array_get(pair, 1))};
    }
    return TARN_OK;
}

static enum tarn_status read_record(struct producer *p, struct tarn_text line,
                                    struct tarn_topic_record *record, struct tarn_error *err)
{
    json_error_t problem;
    json_t *object = json_loadb(line.data, line.len, JSON_REJECT_DUPLICATES, &problem);
    if (!json_is_object(object)) {
        json_decref(object);
        return fail_line(p, err, "it is no JSON object", object ? "" : problem.text);
    }
    record->key = side_of(p, json_object_get(object, "key"));
    record->value = side_of(p, json_object_get(object, "value"));
    const json_t *partition = json_object_get(object, "partition");
    const json_t *timestamp = json_object_get(object, "timestamp");
    if (json_is_integer(partition) && p->a->partition < 0)
        record->partition = (int32_t)json_integer_value(partition);
    if (json_is_integer(timestamp))
        record->timestamp_ms = json_integer_value(timestamp);
    enum tarn_status status = record_headers(p, json_object_get(object, "headers"), record, err);
    json_decref(object);
    return status;
}

static enum tarn_status check_json(const struct producer *p, struct tarn_text value,
                                   struct tarn_error *err)
{
    json_error_t problem = {0};
    json_t *json = json_loadb(value.data, value.len, JSON_DECODE_ANY, &problem);
    json_decref(json);
    return json ? TARN_OK : fail_line(p, err, "the value is no JSON: ", problem.text);
}

static enum tarn_status encode(const struct producer *p, struct tarn_topic_record *record,
                               struct tarn_error *err)
{
    struct tarn_error cause = {0};
    if (tarn_topic_encode(p->encoder, record->value, p->arena, &record->value, &cause) == TARN_OK)
        return TARN_OK;
    return fail_line(p, err, cause.text, "");
}

static enum tarn_status make_record(struct producer *p, struct tarn_text line,
                                    struct tarn_topic_record *record, struct tarn_error *err)
{
    const struct arguments *a = p->a;
    *record = (struct tarn_topic_record){
        .topic = a->words.items[0],
        .partition = (int32_t)a->partition,
        .timestamp_ms = -1,
        .headers = p->headers,
        .header_count = a->headers.count,
    };
    if (p->format == FORMAT_RECORD)
        return read_record(p, line, record, err);
    split_key(a, line, record);
    if (a->key)
        record->key = tarn_text_of(a->key);
    if (a->null && tarn_text_is(record->value, a->null))
        record->value = (struct tarn_text){NULL, 0};
    else if (p->format == FORMAT_JSON)
        return check_json(p, record->value, err);
    else if (p->format == FORMAT_AVRO)
        return encode(p, record, err);
    return TARN_OK;
}

/* ---- writing ---- */

/* Waits until the next record is due at the asked rate. */
static void keep_rate(const struct producer *p)
{
    if (p->a->rate <= 0)
        return;
    int64_t due_us = p->start_us + p->written * 1000000 / p->a->rate;
    int64_t wait_us = due_us - tarn_monotonic_us();
    if (wait_us <= 0)
        return;
    struct timespec pause = {.tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000};
    (void)nanosleep(&pause, NULL); /* Ctrl-C cuts it short */
}

static enum tarn_status write_line(struct producer *p, struct tarn_text line,
                                   struct tarn_error *err)
{
    struct tarn_topic_record record;
    p->lines++;
    tarn_arena_reset(p->arena);
    TARN_TRY(make_record(p, line, &record, err));
    keep_rate(p);
    TARN_TRY(tarn_topic_write(p->writer, &record, err));
    p->written++;
    p->bytes += (int64_t)(record.key.len + record.value.len);
    return TARN_OK;
}

static enum tarn_status write_lines(struct producer *p, FILE *in, struct tarn_error *err)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    enum tarn_status status = TARN_OK;
    p->start_us = tarn_monotonic_us();
    while (status == TARN_OK && !tarn_topic_is_interrupted() &&
           (len = getline(&line, &cap, in)) >= 0) {
        if (len > 0 && line[len - 1] == '\n')
            len--;
        status = write_line(p, (struct tarn_text){line, (size_t)len}, err);
    }
    free(line);
    if (status == TARN_OK && ferror(in) && errno != EINTR)
        return tarn_fail_errno(err, "reading %s", p->source);
    return status;
}

static enum tarn_status write_transaction(struct producer *p, FILE *in, struct tarn_error *err)
{
    TARN_TRY(tarn_topic_writer_begin(p->writer, err));
    TARN_TRY(write_lines(p, in, err));
    if (tarn_topic_is_interrupted())
        return tarn_fail(err, TARN_CANCELLED, "interrupted; the transaction was not committed");
    return tarn_topic_writer_commit(p->writer, err);
}

static void print_written(const struct producer *p)
{
    TARN_BUFFER(out, 1000);
    struct tarn_json_writer w = tarn_json_writer(&out, 0);
    char count[TARN_COUNT_TEXT_BYTES];
    double seconds = (double)(tarn_monotonic_us() - p->start_us) / 1e6;
    if (p->a->common.json) {
        tarn_json_object_begin(&w);
        tarn_json_put_str(&w, "topic", p->a->words.items[0]);
        tarn_json_put_int(&w, "records", p->written);
        tarn_json_put_int(&w, "bytes", p->bytes);
        tarn_json_put_double(&w, "seconds", seconds);
        tarn_json_object_end(&w);
        puts(tarn_buffer_str(&out));
    } else if (!p->a->common.quiet) {
        fprintf(stderr, "%s record%s written to %s in %.1f s\n", tarn_count_text(p->written, count),
                p->written == 1 ? "" : "s", p->a->words.items[0], seconds);
    }
}

static enum tarn_status produce(struct producer *p, FILE *in, struct tarn_error *err)
{
    tarn_topic_catch_interrupt();
    if (p->a->transaction)
        TARN_TRY(write_transaction(p, in, err));
    else {
        enum tarn_status status = write_lines(p, in, err);
        struct tarn_error *flush_err = status == TARN_OK ? err : NULL;
        enum tarn_status flushed = tarn_topic_writer_flush(p->writer, FLUSH_MS, flush_err);
        if (status == TARN_OK)
            status = flushed;
        TARN_TRY(status);
    }
    print_written(p);
    return TARN_OK;
}

/* ---- options ---- */

static enum tarn_status choose(const char *text, const char *option, const char *const *names,
                               size_t count, int *ret_index, struct tarn_error *err)
{
    TARN_BUFFER(choices, 1000);
    for (size_t i = 0; i < count; i++) {
        tarn_buffer_printf(&choices, "%s%s", i ? ", " : "", names[i]);
        if (!text || strcmp(text, names[i]) == 0) {
            *ret_index = (int)i;
            return TARN_OK;
        }
    }
    return tarn_fail(err, TARN_USAGE, "--%s is one of %s, not '%s'", option,
                     tarn_buffer_str(&choices), text);
}

static enum tarn_status open_writer(struct producer *p, struct tarn_error *err)
{
    static const char *const acks[] = {"all", "1", "0"};
    static const char *const formats[] = {"raw", "json", "record", "avro"};
    const struct arguments *a = p->a;
    struct tarn_topic_writer_options options = {
        .linger_ms = LINGER_MS, .compression = a->compression, .transactional_id = a->transaction};
    int choice;
    TARN_TRY(choose(a->format, "format", formats, TARN_COUNT(formats), &choice, err));
    p->format = (enum format)choice;
    TARN_TRY(choose(a->acks, "acks", acks, TARN_COUNT(acks), &choice, err));
    options.acks = (enum tarn_topic_acks)choice;
    options.is_idempotent = options.acks == TARN_ACKS_ALL;
    TARN_TRY(tarn_topic_access_open(&a->common, &a->access, &p->topics, err));
    if (p->format == FORMAT_AVRO)
        TARN_TRY(tarn_topic_encoder_open(p->topics, a->words.items[0], &p->encoder, err));
    return tarn_topic_writer_open(p->topics, &options, &p->writer, err);
}

static enum tarn_status prepare(struct producer *p, struct tarn_arena *kept, struct tarn_error *err)
{
    const struct arguments *a = p->a;
    if (a->words.count != 1)
        return tarn_fail(err, TARN_USAGE, "`tarn produce` takes the name of one topic");
    if (a->headers.count > HEADERS_MAX)
        return tarn_fail(err, TARN_USAGE, "there are more than %d headers", (int)HEADERS_MAX);
    for (size_t i = 0; i < a->headers.count; i++) {
        const char *name, *value;
        TARN_TRY(tarn_topic_split_pair(a->headers.items[i], "header", kept, &name, &value, err));
        p->headers[i] = (struct tarn_topic_header){tarn_text_of(name), tarn_text_of(value)};
    }
    return open_writer(p, err);
}

static enum tarn_status work(struct producer *p, struct tarn_arena *kept, struct tarn_error *err)
{
    FILE *in = stdin;
    p->source = p->a->file ? p->a->file : "standard input";
    if (p->a->file && !(in = fopen(p->a->file, "re")))
        return tarn_fail_errno(err, "opening %s", p->a->file);
    enum tarn_status status = prepare(p, kept, err);
    if (status == TARN_OK)
        status = produce(p, in, err);
    if (in != stdin)
        fclose(in);
    tarn_topic_encoder_close(p->encoder);
    tarn_topic_writer_close(p->writer);
    tarn_topics_close(p->topics);
    return status;
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    struct arguments a = {.partition = -1};
    const struct tarn_option options[] = {
        TARN_TOPIC_ACCESS_OPTIONS(&a.access),
        {"file", 'f', TARN_OPTION_STR, &a.file},
        {"format", 0, TARN_OPTION_STR, &a.format},
        {"key-separator", 'K', TARN_OPTION_STR, &a.key_separator},
        {"key", 'k', TARN_OPTION_STR, &a.key},
        {"header", 'H', TARN_OPTION_LIST, &a.headers},
        {"partition", 'p', TARN_OPTION_INT, &a.partition},
        {"null", 0, TARN_OPTION_STR, &a.null},
        {"acks", 0, TARN_OPTION_STR, &a.acks},
        {"compression", 'z', TARN_OPTION_STR, &a.compression},
        {"transaction", 0, TARN_OPTION_STR, &a.transaction},
        {"rate", 0, TARN_OPTION_INT, &a.rate},
    };
    struct producer p = {.a = &a, .arena = tarn_arena_new()};
    struct tarn_arena *kept = tarn_arena_new();
    enum tarn_status status =
        tarn_options_parse(argc, argv, &a.common, options, TARN_COUNT(options), &a.words, err);
    if (status == TARN_OK)
        status = work(&p, kept, err);
    tarn_arena_free(kept);
    tarn_arena_free(p.arena);
    tarn_topic_access_release(&a.access);
    tarn_strings_release(&a.headers);
    tarn_strings_release(&a.words);
    return status;
}

const struct tarn_command tarn_command_produce = {
    .name = "produce",
    .summary = "write lines to a topic",
    .help = help,
    .run = run,
};
