/* cli/broker_options.h -- what the command line and tarn.yml's `broker` section say about the
 * embedded broker. */
#ifndef TARN_CLI_BROKER_OPTIONS_H
#define TARN_CLI_BROKER_OPTIONS_H

#include "broker/broker.h"
#include "broker/services.h"
#include "cli/options.h"
#include "project/project.h"

struct tarn_broker_setup {
    struct tarn_broker_options options;
    struct tarn_services_options services;
    struct tarn_arena *arena;     /* what the options point to */
    struct tarn_project *project; /* NULL outside of one */
};

/* The defaults, then tarn.yml's section, then the arguments. Outside of a project --data has to be
 * given. */
CHECKED enum tarn_status tarn_broker_setup_read(int argc, char **argv, struct tarn_common *common,
                                                struct tarn_broker_setup *ret_setup,
                                                struct tarn_error *err);
void tarn_broker_setup_release(struct tarn_broker_setup *setup); /* usable with TARN_AUTO */

#endif
