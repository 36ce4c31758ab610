/* cli/topic_access.h -- which broker a command talks to, and places in topics as people write them.
 */
#ifndef TARN_CLI_TOPIC_ACCESS_H
#define TARN_CLI_TOPIC_ACCESS_H

#include "broker/topic.h"
#include "cli/options.h"
#include "project/project.h"

/* What every topic command takes besides the common options. */
struct tarn_topic_access {
    const char *broker;             /* NULL: tarn.yml's, else localhost:9092 */
    struct tarn_strings properties; /* NAME=VALUE */
    bool offline;
    bool only_reads; /* what the command does: then offline files are not touched */
};
#define TARN_TOPIC_ACCESS_HELP                                                                     \
    "Which broker:\n"                                                                              \
    "  --broker ADDR       host:port[,host:port] (default: `broker:` of tarn.yml, else\n"          \
    "                      localhost:9092)\n"                                                      \
    "  --property N=V ...  properties of the Kafka client, e.g. security.protocol=SASL_SSL\n"      \
    "  --offline           the files of an embedded broker that is not running\n\n"
#define TARN_TOPIC_ACCESS_OPTIONS(access)                                                          \
    {"broker", 'b', TARN_OPTION_STR, &(access)->broker},                                           \
        {"property", 'X', TARN_OPTION_LIST, &(access)->properties},                                \
    {                                                                                              \
        "offline", 0, TARN_OPTION_FLAG, &(access)->offline                                         \
    }

/* Connects as the options and the project say:
 *
 *   broker: kafka.example.com:9092
 *   broker: {address: kafka.example.com:9092, properties: {security.protocol: SSL}}
 *   broker: {listeners: ["PLAINTEXT://localhost:9095"]}      the embedded one
 *
 * in tarn.yml or in the chosen target. Outside of a project there is only the option. */
CHECKED enum tarn_status tarn_topic_access_open(const struct tarn_common *common,
                                                const struct tarn_topic_access *access,
                                                struct tarn_topics **ret_topics,
                                                struct tarn_error *err);
void tarn_topic_access_release(struct tarn_topic_access *access); /* usable with TARN_AUTO */

/* "NAME=VALUE"; `name` gets a copy in the arena. USAGE without '='. */
CHECKED enum tarn_status tarn_topic_split_pair(const char *pair, const char *option,
                                               struct tarn_arena *arena, const char **ret_name,
                                               const char **ret_value, struct tarn_error *err);

/* A place in a partition: beginning, end, an offset, a time, or -N (N records before the end). */
struct tarn_topic_place {
    enum {
        TARN_PLACE_BEGINNING,
        TARN_PLACE_END,
        TARN_PLACE_OFFSET,
        TARN_PLACE_TIME,
        TARN_PLACE_BEFORE_END
    } kind;
    int64_t value; /* offset, milliseconds since 1970, N */
};
CHECKED enum tarn_status tarn_topic_place_parse(const char *text, const char *option,
                                                struct tarn_topic_place *ret_place,
                                                struct tarn_error *err);
/* The offset it stands for in a partition now, within what is there. */
CHECKED enum tarn_status tarn_topic_place_find(struct tarn_topics *topics, const char *topic,
                                               int32_t partition,
                                               const struct tarn_topic_place *place,
                                               int64_t *ret_offset, struct tarn_error *err);

/* "2026-03-01 12:34:56.789", UTC; returns `out`. */
char *tarn_topic_time_text(int64_t time_ms, char out[40]);

/* True from Ctrl-C on; a command that waits looks at it after each wait and ends in good order. */
void tarn_topic_catch_interrupt(void);
bool tarn_topic_is_interrupted(void);

#endif
