/* broker/broker.h -- one embedded broker: opens its folder, listens, serves, stops.
 *
 * One loop thread owns connections, handlers, coordinators, the catalog and the log's state in
 * memory. Everything below that is not said to be callable from anywhere is for that thread alone;
 * others go through tarn_broker_call. */
#ifndef TARN_BROKER_BROKER_H
#define TARN_BROKER_BROKER_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"

struct uv_loop_s;
struct tarn_acls;
struct tarn_broker;
struct tarn_catalog;
struct tarn_groups;
struct tarn_log;
struct tarn_timers;
struct tarn_transactions;
struct tarn_users;

enum { TARN_BROKER_NODE_ID = 1, TARN_BROKER_LISTENERS_MAX = 16 };

enum tarn_broker_durability {
    TARN_DURABILITY_SYNC, /* acks=all is answered after fdatasync */
    TARN_DURABILITY_NONE, /* never syncs; for tests */
};

enum tarn_listener_security {
    TARN_LISTENER_PLAINTEXT,
    TARN_LISTENER_SSL,
    TARN_LISTENER_SASL_PLAINTEXT,
    TARN_LISTENER_SASL_SSL,
};

struct tarn_listener_options {
    const char *name; /* NULL: the security's name, e.g. "SASL_SSL" */
    const char *host; /* NULL or "": every address, IPv6 and IPv4 */
    int port;         /* 0: a free one */
    enum tarn_listener_security security;
    /* What clients are told to connect to; NULL / 0: the address that this client connected to. */
    const char *advertised_host;
    int advertised_port;
    /* TLS: PEM files. client_ca: client certificates signed by it are asked for. */
    const char *certificate, *key, *client_ca;
    bool client_certificate_required;
};

struct tarn_user_options {
    const char *name, *password; /* for PLAIN and SCRAM; those of the journal are added to them */
};

struct tarn_broker_options {
    const char *folder; /* the log's folder; made when missing */
    const struct tarn_listener_options *listeners;
    size_t listener_count;
    const struct tarn_user_options *users;
    size_t user_count;
    const char *const *super_users; /* "User:admin" */
    size_t super_user_count;
    bool authorize;       /* ACLs decide; otherwise everything is allowed */
    bool allow_if_no_acl; /* Kafka's allow.everyone.if.no.acl.found */
    enum tarn_broker_durability durability;
    bool read_only;          /* refuses whatever would write; topic.h's "offline" */
    bool auto_create_topics; /* default on */
    int32_t partitions;      /* of an auto-created topic, and of one created with -1; default 1 */
    int32_t rebalance_delay_ms;      /* group.initial.rebalance.delay.ms, default 15 */
    int64_t reauth_ms;               /* connections.max.reauth.ms, default 0: once is enough */
    int64_t request_max_bytes;       /* socket.request.max.bytes, default 100 MiB */
    int32_t connections_max;         /* default 10,000 */
    int64_t idle_timeout_ms;         /* connections.max.idle.ms, default 10 min */
    int64_t half_request_timeout_ms; /* a request that began has to go on; default 30 s */
    int64_t
        output_max_bytes; /* a connection whose peer reads slowly is not served beyond it; 8 MiB */
    int64_t wal_bytes;    /* one write-ahead file; 0: the log's default */
    /* Wall clock in milliseconds since 1970; NULL: the system's. For tests of timestamps and
     * retention. */
    int64_t (*clock_ms)(void *context);
    void *clock_context;
};

/* Fills in the defaults: no listener, no users, durability sync. */
void tarn_broker_options_init(struct tarn_broker_options *options);

/* Recovers the folder and binds the listeners; serves nothing yet. `options` and what it points to
 * may go afterwards. Errors: IO, CORRUPT (the log), EXISTS (a port is taken, or another process has
 * the folder), CONFIG (certificates). */
CHECKED enum tarn_status tarn_broker_open(const struct tarn_broker_options *options,
                                          struct tarn_broker **ret_broker, struct tarn_error *err);
/* Serves on the calling thread until tarn_broker_stop. */
void tarn_broker_run(struct tarn_broker *broker);
/* Serves on a thread of its own, until tarn_broker_stop or tarn_broker_close. */
CHECKED enum tarn_status tarn_broker_start(struct tarn_broker *broker, struct tarn_error *err);
/* Any thread, also a signal handler: no new connections or requests, answers what is in flight,
 * then run returns. */
void tarn_broker_stop(struct tarn_broker *broker);
/* Stops when still running, syncs, writes a checkpoint and frees. NULL is fine. */
void tarn_broker_close(struct tarn_broker *broker);

/* Runs function(broker, context) on the loop thread and waits for it. From any thread but the
 * loop's (there it simply calls). CANCELLED when the broker is stopped or was never started; then
 * the function was not run. */
CHECKED enum tarn_status tarn_broker_call(struct tarn_broker *broker,
                                          void (*function)(struct tarn_broker *broker,
                                                           void *context),
                                          void *context, struct tarn_error *err);
/* The same without waiting: false when the broker does not run, and then the function will not be
 * run; otherwise it will, at the latest while the broker stops. */
bool tarn_broker_post(struct tarn_broker *broker,
                      void (*function)(struct tarn_broker *broker, void *context), void *context);

/* Whether a record's key or value may stand in a topic that asks for a check
 * (confluent.key.schema.validation, confluent.value.schema.validation). Called on the loop thread;
 * must not wait: UNDECIDED makes the client try again. Set before the broker runs; without one,
 * such topics take everything. */
enum tarn_record_verdict { TARN_RECORD_TAKEN, TARN_RECORD_REFUSED, TARN_RECORD_UNDECIDED };
typedef enum tarn_record_verdict tarn_record_check(void *context, struct tarn_text topic,
                                                   bool is_key, struct tarn_text bytes);
void tarn_broker_set_record_check(struct tarn_broker *broker, tarn_record_check *check,
                                  void *context);
/* TAKEN when there is no check. */
enum tarn_record_verdict tarn_broker_check_record(struct tarn_broker *broker,
                                                  struct tarn_text topic, bool is_key,
                                                  struct tarn_text bytes);

/* Where it listens; from any thread after open. */
size_t tarn_broker_listener_count(const struct tarn_broker *broker);
const char *tarn_broker_listener_name(const struct tarn_broker *broker, size_t index);
int tarn_broker_listener_port(const struct tarn_broker *broker, size_t index);
/* "localhost:9092" of the first plain listener, for clients in this process. */
const char *tarn_broker_address(const struct tarn_broker *broker);

/* The parts, for handlers; loop thread. */
const struct tarn_broker_options *tarn_broker_options(const struct tarn_broker *broker);
struct uv_loop_s *tarn_broker_loop(struct tarn_broker *broker);
struct tarn_timers *tarn_broker_timers(struct tarn_broker *broker); /* server/timers.h */
struct tarn_log *tarn_broker_log(struct tarn_broker *broker);
struct tarn_catalog *tarn_broker_catalog(struct tarn_broker *broker);
struct tarn_groups *tarn_broker_groups(struct tarn_broker *broker);
struct tarn_transactions *tarn_broker_transactions(struct tarn_broker *broker);
struct tarn_users *tarn_broker_users(struct tarn_broker *broker);
struct tarn_acls *tarn_broker_acls(struct tarn_broker *broker);
const char *
tarn_broker_cluster_id(const struct tarn_broker *broker); /* 22 characters, made once per folder */
int64_t tarn_broker_now_ms(const struct tarn_broker *broker); /* wall clock, UTC milliseconds */

#endif
