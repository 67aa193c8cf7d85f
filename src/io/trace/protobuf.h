/* The wire format of protocol buffers, as much of it as messages of numbers and texts need: tags, varints, fixed numbers
 * and lengths. (protobuf-c would need its compiler and a schema file for two messages.) */
#ifndef MOESIM_IO_TRACE_PROTOBUF_H
#define MOESIM_IO_TRACE_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pb_reader {
    const uint8_t *at, *end;
    bool failed;
};

struct pb_field {
    uint32_t number;
    uint8_t wire;        /* 0 varint, 1 eight bytes, 2 length, 5 four bytes */
    uint64_t value;      /* of 0, 1 and 5 */
    const uint8_t *data; /* of 2; of the others none, len 0 */
    size_t len;
};

uint64_t pb_varint(struct pb_reader *r);
/* The next field; false at the end of the message or where it is damaged (failed). */
bool pb_next(struct pb_reader *r, struct pb_field *out);

struct pb_writer { /* zero it; free `bytes` */
    uint8_t *bytes;
    size_t n, room;
};

void pb_put_varint(struct pb_writer *w, uint64_t value);
void pb_put_bytes(struct pb_writer *w, const void *bytes, size_t n);
void pb_put_number(struct pb_writer *w, uint32_t field, uint64_t value);
void pb_put_double(struct pb_writer *w, uint32_t field, double value);
void pb_put_data(struct pb_writer *w, uint32_t field, const void *bytes, size_t n);
void pb_put_text(struct pb_writer *w, uint32_t field, const char *text);

#endif
