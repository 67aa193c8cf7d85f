#include "io/trace/protobuf.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

enum { VARINT, EIGHT, LENGTH, FOUR = 5 };

uint64_t pb_varint(struct pb_reader *r)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (r->at == r->end)
            break;
        uint8_t byte = *r->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    r->failed = true;
    return 0;
}

static uint64_t fixed(struct pb_reader *r, size_t n)
{
    uint64_t value = 0;
    if ((size_t)(r->end - r->at) < n) {
        r->failed = true;
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        value |= (uint64_t)r->at[i] << 8 * i;
    r->at += n;
    return value;
}

static void data(struct pb_reader *r, struct pb_field *out)
{
    uint64_t n = pb_varint(r);
    if (r->failed || n > (uint64_t)(r->end - r->at)) {
        r->failed = true;
        return;
    }
    out->data = r->at;
    out->len = (size_t)n;
    r->at += n;
}

bool pb_next(struct pb_reader *r, struct pb_field *out)
{
    if (r->failed || r->at == r->end)
        return false;
    uint64_t tag = pb_varint(r);
    *out = (struct pb_field){.number = (uint32_t)(tag >> 3), .wire = tag & 7, .data = r->at};
    if (out->wire == VARINT)
        out->value = pb_varint(r);
    else if (out->wire == EIGHT || out->wire == FOUR)
        out->value = fixed(r, out->wire == EIGHT ? 8 : 4);
    else if (out->wire == LENGTH)
        data(r, out);
    else
        r->failed = true;
    r->failed = r->failed || !out->number || tag >> 32;
    return !r->failed;
}

void pb_put_bytes(struct pb_writer *w, const void *bytes, size_t n)
{
    if (w->n + n > w->room) {
        w->room = 2 * (w->n + n) + 256;
        w->bytes = checked_alloc(realloc(w->bytes, w->room));
    }
    if (n)
        memcpy(w->bytes + w->n, bytes, n);
    w->n += n;
}

void pb_put_varint(struct pb_writer *w, uint64_t value)
{
    uint8_t bytes[10];
    size_t n = 0;
    do {
        bytes[n] = (uint8_t)(value & 0x7f);
        value >>= 7;
        bytes[n] |= value ? 0x80 : 0;
        n++;
    } while (value);
    pb_put_bytes(w, bytes, n);
}

void pb_put_number(struct pb_writer *w, uint32_t field, uint64_t value)
{
    pb_put_varint(w, (uint64_t)field << 3 | VARINT);
    pb_put_varint(w, value);
}

void pb_put_double(struct pb_writer *w, uint32_t field, double value)
{
    uint64_t bits;
    uint8_t bytes[8];
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(bits >> 8 * i);
    pb_put_varint(w, (uint64_t)field << 3 | EIGHT);
    pb_put_bytes(w, bytes, sizeof bytes);
}

void pb_put_data(struct pb_writer *w, uint32_t field, const void *bytes, size_t n)
{
    pb_put_varint(w, (uint64_t)field << 3 | LENGTH);
    pb_put_varint(w, n);
    pb_put_bytes(w, bytes, n);
}

void pb_put_text(struct pb_writer *w, uint32_t field, const char *text)
{
    pb_put_data(w, field, text, strlen(text));
}
