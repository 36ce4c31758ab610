/* bench/quality.c -- twenty-five expectations on a table of orders, beside the same SQL typed.
 *
 *   ninja -C build bench/quality && build/bench/quality bench [ROWS [RUNS]]
 *
 * Reads quality.yml and quality.sql from the folder. Four cases: all values are as expected or one
 * in a thousand is not, each over a table in memory and over Parquet files with zstd as the lake
 * has them. Prints one JSON object a line: the best and the median of the runs and the least
 * processor time of one, in seconds. Tarn's figure includes binding, results and samples of what
 * failed; the peer's is the statements only.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "quality/runner.h"

enum { RUNS_MAX = 101, SCRIPT_MAX_BYTES = 1 << 20 };

static const char make_rows[] =
    "SELECT i AS order_id, CAST(hash(i) %% 100000 AS BIGINT) AS customer_id,\n"
    "  CASE WHEN %s AND i %% 1000 = 1 THEN 'lost' ELSE ['placed', 'paid', 'shipped', 'delivered',\n"
    "    'cancelled'][1 + CAST(hash(i * 7) %% 5 AS INTEGER)] END AS status,\n"
    "  CAST(CASE WHEN %s AND i %% 1000 = 2 THEN -1 ELSE hash(i * 3) %% 100000 / 10.0 END\n"
    "    AS DECIMAL(18, 2)) AS total_amount,\n"
    "  TIMESTAMP '2025-01-01' + INTERVAL (i %% 31536000) SECOND AS order_date,\n"
    "  TIMESTAMP '2025-01-03' + INTERVAL (i %% 31536000) SECOND AS shipped_at,\n"
    "  'user' || hash(i * 5) %% 100000 || CASE WHEN %s AND i %% 1000 = 3 THEN '' ELSE '@' END\n"
    "    || 'example.com' AS email,\n"
    "  CAST(1 + hash(i * 11) %% 10 AS INTEGER) AS quantity,\n"
    "  ['DE', 'FR', 'GB', 'IT', 'NL', 'US'][1 + CAST(hash(i * 13) %% 6 AS INTEGER)] AS country\n"
    "FROM range(%" PRId64 ") AS r(i)";

static void check(enum tarn_status status, const struct tarn_error *err)
{
    if (status == TARN_OK)
        return;
    fprintf(stderr, "quality: %s\n", err->text);
    exit(tarn_status_exit_code(status));
}

static void make_table(struct tarn_session *session, bool faulty, const char *parquet, int64_t rows)
{
    struct tarn_error err;
    const char *flag = faulty ? "true" : "false";
    TARN_AUTO_FREE char *query = tarn_format(make_rows, flag, flag, flag, rows);
    check(tarn_session_run(session,
                           "DROP SCHEMA IF EXISTS bench CASCADE; CREATE SCHEMA bench; "
                           "CREATE OR REPLACE TABLE bench.customers AS SELECT i AS customer_id "
                           "FROM range(100000) AS r(i)",
                           NULL, &err),
          &err);
    if (!parquet) {
        check(tarn_session_runf(session, &err, "CREATE OR REPLACE TABLE bench.orders AS %s", query),
              &err);
        return;
    }
    check(tarn_session_runf(session, &err,
                            "COPY (%s) TO '%s' (FORMAT parquet, "
                            "COMPRESSION zstd); CREATE VIEW bench.orders AS SELECT * FROM "
                            "read_parquet('%s')",
                            query, parquet, parquet),
          &err);
}

static size_t run_suite(struct tarn_session *session, const struct tarn_suites *suites)
{
    struct tarn_error err;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_quality quality = {.session = session};
    struct tarn_quality_options options = {.format = TARN_RESULT_SUMMARY};
    struct tarn_quality_report report;
    check(tarn_quality_run(&quality, suites, &options, arena, &report, &err), &err);
    size_t held = 0;
    for (size_t i = 0; i < report.suites[0].count; i++)
        held += report.suites[0].outcomes[i].success;
    return held;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct figures {
    double wall[RUNS_MAX];
    double cpu[RUNS_MAX];
};

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void start(struct figures *f, int run)
{
    f->cpu[run] = cpu_seconds();
    f->wall[run] = (double)tarn_monotonic_us() / 1e6;
}

static void stop(struct figures *f, int run)
{
    f->wall[run] = (double)tarn_monotonic_us() / 1e6 - f->wall[run];
    f->cpu[run] = cpu_seconds() - f->cpu[run];
}

static void print_figures(const char *who, struct figures *f, int runs)
{
    qsort(f->wall, (size_t)runs, sizeof *f->wall, by_value);
    qsort(f->cpu, (size_t)runs, sizeof *f->cpu, by_value);
    printf(", \"%s\": {\"best_s\": %.4f, \"median_s\": %.4f, \"least_cpu_s\": %.4f}", who,
           f->wall[0], f->wall[runs / 2], f->cpu[0]);
}

/* The two take turns, so that what else the machine does meets both. */
static void measure(struct tarn_session *session, const struct tarn_suites *suites,
                    const char *script, const char *name, int64_t rows, int runs)
{
    struct figures tarn, typed;
    struct tarn_error err;
    size_t held = run_suite(session, suites);
    for (int i = 0; i < runs; i++) {
        start(&tarn, i);
        held = run_suite(session, suites);
        stop(&tarn, i);
        start(&typed, i);
        check(tarn_session_run(session, script, NULL, &err), &err);
        stop(&typed, i);
    }
    printf("{\"case\": \"%s\", \"rows\": %" PRId64 ", \"expectations\": %zu, \"held\": %zu, "
           "\"runs\": %d",
           name, rows, suites->suites[0].expectation_count, held, runs);
    print_figures("tarn", &tarn, runs);
    print_figures("typed", &typed, runs);
    printf(", \"ratio_of_best\": %.2f}\n", tarn.wall[0] / typed.wall[0]);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs("usage: quality FOLDER [ROWS [RUNS]]\n", stderr);
        return 2;
    }
    int64_t rows = argc > 2 ? strtoll(argv[2], NULL, 10) : 1000000;
    int runs = argc > 3 ? atoi(argv[3]) : 15;
    runs = runs < 1 ? 1 : runs > RUNS_MAX ? RUNS_MAX : runs;
    struct tarn_error err;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    TARN_BUFFER(suite_text, SCRIPT_MAX_BYTES);
    TARN_BUFFER(script, SCRIPT_MAX_BYTES);
    TARN_AUTO_FREE char *suite_path = tarn_path_join(argv[1], "quality.yml");
    TARN_AUTO_FREE char *script_path = tarn_path_join(argv[1], "quality.sql");
    check(tarn_file_read(suite_path, &suite_text, &err), &err);
    check(tarn_file_read(script_path, &script, &err), &err);
    struct tarn_suites suites = {0};
    check(tarn_suites_parse(tarn_buffer_text(&suite_text), suite_path, arena, &suites, &err), &err);
    struct tarn_engine *engine;
    struct tarn_session *session;
    struct tarn_engine_options options = {.threads = 0};
    check(tarn_engine_open(&options, &engine, &err), &err);
    check(tarn_session_open(engine, &session, &err), &err);
    char parquet[64];
    snprintf(parquet, sizeof parquet, "/tmp/tarn-bench-quality-%d.parquet", (int)getpid());
    for (int faulty = 0; faulty < 2; faulty++) {
        make_table(session, faulty, NULL, rows);
        measure(session, &suites, tarn_buffer_str(&script),
                faulty ? "memory, faults" : "memory, clean", rows, runs);
        make_table(session, faulty, parquet, rows);
        measure(session, &suites, tarn_buffer_str(&script),
                faulty ? "parquet, faults" : "parquet, clean", rows, runs);
    }
    check(tarn_path_remove(parquet, &err), &err);
    tarn_suites_release(&suites);
    tarn_session_close(session);
    tarn_engine_close(engine);
    return 0;
}
