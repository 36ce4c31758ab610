/* test/fuzz/lake_manifest.c -- manifests (first byte even) and manifest lists (odd); a manifest
 * that is taken is written again and must be taken again. */
#include <assert.h>

#include "lake/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char metadata_json[] =
    "{\"format-version\":2,\"table-uuid\":\"u\",\"location\":\"/"
    "t\",\"last-sequence-number\":1,\"last-updated-ms\":1,"
    "\"last-column-id\":9,\"current-schema-id\":0,\"schemas\":[{\"type\":\"struct\",\"schema-id\":"
    "0,\"fields\":["
    "{\"id\":1,\"name\":\"a\",\"required\":false,\"type\":\"long\"},{\"id\":2,\"name\":\"b\","
    "\"required\":false,\"type\":"
    "\"string\"},{\"id\":3,\"name\":\"c\",\"required\":false,\"type\":\"decimal(20,2)\"},{\"id\":4,"
    "\"name\":\"d\","
    "\"required\":false,\"type\":\"timestamp\"},{\"id\":5,\"name\":\"e\",\"required\":false,"
    "\"type\":\"double\"}]}],"
    "\"default-spec-id\":0,\"last-partition-id\":1004,\"partition-specs\":[{\"spec-id\":0,"
    "\"fields\":["
    "{\"name\":\"a\",\"transform\":\"identity\",\"source-id\":1,\"field-id\":1000},{\"name\":\"b\","
    "\"transform\":"
    "\"truncate[2]\",\"source-id\":2,\"field-id\":1001},{\"name\":\"c\",\"transform\":\"identity\","
    "\"source-id\":3,"
    "\"field-id\":1002},{\"name\":\"d_day\",\"transform\":\"day\",\"source-id\":4,\"field-id\":"
    "1003},{\"name\":\"e\","
    "\"transform\":\"identity\",\"source-id\":5,\"field-id\":1004}]}]}";

static void write_again(const struct tarn_metadata *metadata,
                        const struct tarn_manifest_file *manifest, const struct tarn_entry *entries,
                        size_t count, struct tarn_arena *arena)
{
    TARN_BUFFER(out, 1 << 26);
    struct tarn_manifest_file described;
    struct tarn_entry *again;
    struct tarn_error err;
    size_t again_count;
    tarn_manifest_describe(entries, count, metadata->spec, 9, arena, &described);
    if (tarn_manifest_write(entries, count, metadata->schema, metadata->spec, false, &out, &err) !=
        TARN_OK)
        return; /* too large */
    enum tarn_status status = tarn_manifest_read(tarn_buffer_text(&out), manifest, metadata, arena,
                                                 &again, &again_count, &err);
    assert(status == TARN_OK && again_count == count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_metadata *metadata;
    struct tarn_manifest_file *list, manifest = {.location = "fuzz.avro", .sequence_number = 5};
    struct tarn_entry *entries;
    struct tarn_error err;
    size_t count;
    struct tarn_text bytes = {(const char *)data + 1, size - 1};
    enum tarn_status status =
        tarn_metadata_parse(tarn_text_of(metadata_json), "/m.json", &metadata, &err);
    assert(status == TARN_OK);
    if (data[0] % 2)
        (void)!tarn_manifest_list_read(bytes, "fuzz.avro", arena, &list, &count, &err);
    else if (tarn_manifest_read(bytes, &manifest, metadata, arena, &entries, &count, &err) ==
             TARN_OK)
        write_again(metadata, &manifest, entries, count, arena);
    tarn_metadata_unref(metadata);
    return 0;
}
