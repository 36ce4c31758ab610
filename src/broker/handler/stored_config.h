/* broker/handler/stored_config.h -- what was set on the broker itself or on a group: names and
 * values, one journal key per resource. Topics keep their own in the catalog. */
#ifndef TARN_BROKER_HANDLER_STORED_CONFIG_H
#define TARN_BROKER_HANDLER_STORED_CONFIG_H

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

struct tarn_log;

struct tarn_config_pair {
    struct tarn_text name, value;
};
/* In order of name; memory in the arena. */
struct tarn_stored_config {
    struct tarn_config_pair *pairs;
    size_t count, cap;
};

/* `resource`: "broker/1", "broker/" (all brokers), "group/<id>". Empty when nothing is set. */
CHECKED enum tarn_status tarn_stored_config_read(struct tarn_log *log, struct tarn_text resource,
                                                 struct tarn_arena *arena,
                                                 struct tarn_stored_config *ret_config,
                                                 struct tarn_error *err);
/* One commit of the log; durable with its next sync. */
CHECKED enum tarn_status tarn_stored_config_write(struct tarn_log *log, struct tarn_text resource,
                                                  const struct tarn_stored_config *config,
                                                  struct tarn_error *err);
/* data NULL when it is not set. */
struct tarn_text tarn_stored_config_get(const struct tarn_stored_config *config,
                                        struct tarn_text name);
/* data NULL takes it out. The texts are not copied. */
void tarn_stored_config_set(struct tarn_stored_config *config, struct tarn_arena *arena,
                            struct tarn_text name, struct tarn_text value);

#endif
