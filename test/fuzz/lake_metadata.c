/* test/fuzz/lake_metadata.c -- table metadata JSON; what is taken must survive a change and be
 * taken again. */
#include <assert.h>

#include "lake/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void change(struct tarn_metadata *metadata, struct tarn_arena *arena)
{
    TARN_BUFFER(out, 1 << 24);
    const char **dropped;
    size_t count;
    struct tarn_error err;
    struct tarn_metadata *again;
    struct tarn_metadata_edit edit = tarn_metadata_edit(metadata);
    tarn_metadata_set_schema(&edit, metadata->schema, metadata->last_column_id);
    tarn_metadata_set_property(&edit, "k", "v");
    for (size_t i = 0; i < metadata->snapshot_count; i++)
        (void)tarn_metadata_remove_snapshots(&edit, &metadata->snapshots[i].id, 1);
    if (tarn_metadata_finish(&edit, arena, &out, &dropped, &count, &err) == TARN_OK) {
        enum tarn_status status =
            tarn_metadata_parse(tarn_buffer_text(&out), "/m.json", &again, &err);
        assert(status == TARN_OK);
        tarn_metadata_unref(again);
    }
    tarn_metadata_edit_release(&edit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_metadata *metadata;
    struct tarn_error err;
    struct tarn_text bytes = {(const char *)data, size};
    if (tarn_metadata_parse(bytes, "/t/metadata/1.json", &metadata, &err) != TARN_OK)
        return 0;
    (void)tarn_metadata_snapshot_at(metadata, 1000);
    (void)tarn_iceberg_max_id(metadata->schema);
    change(metadata, arena);
    tarn_metadata_unref(metadata);
    return 0;
}
