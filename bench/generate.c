/* bench/generate.c -- how fast rows are drawn and written, on one core.
 *
 *   ninja -C build bench/generate && build/bench/generate bench/generate.yml [SCALE]
 *
 * For every entity of the source: rows a second drawn into columns (all fields, batch by batch,
 * nothing written), and rows a second drawn and written as the entity's file format. Prints one
 * JSON object a line; planning is measured apart. Times are processor times of the one thread,
 * kernel included. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "source/synthetic/plan.h"
#include "source/synthetic/write.h"

/* Processor time of this thread: what a core needs, also on a machine that is busy with other
 * things. */
static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double draw_columns(const struct tarn_synth_entity *entity)
{
    struct tarn_scratch scratch = {0};
    double start = cpu_seconds();
    for (uint64_t row = 0; row < entity->plan->rows; row += TARN_SYNTH_BATCH_ROWS) {
        uint64_t left = entity->plan->rows - row;
        size_t n = left < TARN_SYNTH_BATCH_ROWS ? (size_t)left : TARN_SYNTH_BATCH_ROWS;
        tarn_scratch_reset(&scratch);
        struct tarn_synth_batch *batch = tarn_synth_batch_range(entity, &scratch, row, n);
        for (size_t i = 0; i < entity->field_count; i++)
            (void)tarn_synth_column(batch, &entity->fields[i]);
    }
    double seconds = cpu_seconds() - start;
    tarn_scratch_release(&scratch);
    return seconds;
}

static enum tarn_status write_files(const struct tarn_synth_entity *entity, double *ret_seconds,
                                    uint64_t *ret_bytes, struct tarn_error *err)
{
    char path[64];
    snprintf(path, sizeof path, "/dev/shm/tarn-bench-%d", (int)getpid());
    double start = cpu_seconds();
    for (size_t i = 0; i < entity->plan->file_count; i++) {
        struct tarn_synth_output output = {0};
        enum tarn_status status = tarn_synth_write_text(entity, i, path, &output, err);
        unlink(path);
        *ret_bytes += output.bytes;
        tarn_synth_output_release(&output);
        TARN_TRY(status);
    }
    *ret_seconds = cpu_seconds() - start;
    return TARN_OK;
}

static enum tarn_status measure(const char *file, double scale, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_synth_options options = {.scale = scale};
    struct tarn_synth_spec *spec;
    TARN_TRY(tarn_synth_spec_read(file, &options, arena, &spec, err));
    double start = cpu_seconds();
    TARN_TRY(tarn_synth_plan_make(spec, 1, err));
    printf("{\"plan_seconds\": %.3f}\n", cpu_seconds() - start);
    enum tarn_status status = TARN_OK;
    for (size_t i = 0; i < spec->entity_count && status == TARN_OK; i++) {
        const struct tarn_synth_entity *entity = &spec->entities[i];
        double drawn = draw_columns(entity), written = 0;
        uint64_t bytes = 0;
        if (entity->files.format != TARN_SYNTH_PARQUET)
            status = write_files(entity, &written, &bytes, err);
        double rows = (double)entity->plan->rows;
        printf("{\"entity\": \"%s\", \"fields\": %zu, \"rows\": %" PRIu64
               ", \"columns_rows_per_s\": %.0f, \"files_rows_per_s\": %.0f, \"files_mb_per_s\": "
               "%.0f}\n",
               entity->name, entity->field_count, entity->plan->rows, rows / drawn,
               written > 0 ? rows / written : 0, written > 0 ? (double)bytes / 1e6 / written : 0);
    }
    tarn_synth_plan_release(spec);
    return status;
}

int main(int argc, char **argv)
{
    struct tarn_error err = {0};
    double scale = 1;
    if (argc < 2 || (argc > 2 && !tarn_text_to_double(tarn_text_of(argv[2]), &scale))) {
        fputs("usage: generate SOURCE.yml [SCALE]\n", stderr);
        return 2;
    }
    if (measure(argv[1], scale, &err) == TARN_OK)
        return 0;
    fprintf(stderr, "generate: %s\n", err.text);
    return 3;
}
