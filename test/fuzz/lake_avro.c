/* test/fuzz/lake_avro.c -- Avro container files as they lie on disk. */
#include "lake/avro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_avro_file file;
    struct tarn_error err;
    struct tarn_text bytes = {(const char *)data, size};
    if (tarn_avro_file_read(bytes, "fuzz.avro", arena, &file, &err) == TARN_OK)
        for (size_t i = 0; i < file.record_count; i++)
            (void)tarn_avro_get(&file.records[i], 2);
    return 0;
}
