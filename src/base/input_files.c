/* Input files, recorded in a list of the process; libmd hashes. */
#include "base/input_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"

static struct {
    bool on;
    struct input_file *files;
    size_t n, cap;
    unsigned list;
} recorded;

static struct {
    struct identity {
        dev_t device;
        ino_t inode;
    } * files;
    size_t n, cap;
} opened;

_Static_assert(SHA256_TEXT == SHA256_DIGEST_STRING_LENGTH, "hex digits and a NUL");

void sha256_text(const void *data, size_t len, char out[SHA256_TEXT])
{
    SHA256Data(data, len, out);
}

int sha256_file(const char *path, char out[SHA256_TEXT])
{
    struct stat st;
    /* a pipe or terminal gives its bytes to one reader only */
    if (stat(path, &st))
        return -1;
    if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return -1;
    }
    return SHA256File(path, out) ? 0 : -1;
}

static bool identify(const char *path, struct identity *out)
{
    struct stat st;

    if (stat(path, &st) || !S_ISREG(st.st_mode))
        return false;
    *out = (struct identity){st.st_dev, st.st_ino};
    return true;
}

static bool is_opened(const struct identity *id)
{
    for (size_t i = 0; i < opened.n; i++)
        if (opened.files[i].device == id->device && opened.files[i].inode == id->inode)
            return true;
    return false;
}

bool input_file_is(const char *path)
{
    struct identity id;

    return identify(path, &id) && is_opened(&id);
}

void input_file_opened(const char *path)
{
    struct identity id;

    if (!identify(path, &id) || is_opened(&id))
        return;
    if (opened.n == opened.cap) {
        opened.cap = opened.cap ? 2 * opened.cap : 16;
        opened.files = checked_alloc(realloc(opened.files, opened.cap * sizeof *opened.files));
    }
    opened.files[opened.n++] = id;
}

void input_files_record(void)
{
    recorded.on = true;
    recorded.list++;
    for (size_t i = 0; i < recorded.n; i++) {
        free((char *)recorded.files[i].path);
        free((char *)recorded.files[i].text);
    }
    recorded.n = 0;
}

static const struct input_file *find(const char *path)
{
    for (size_t i = 0; i < recorded.n; i++)
        if (!strcmp(recorded.files[i].path, path))
            return &recorded.files[i];
    return NULL;
}

static struct input_file *append(const char *path)
{
    if (recorded.n == recorded.cap) {
        recorded.cap = recorded.cap ? 2 * recorded.cap : 16;
        recorded.files = checked_alloc(realloc(recorded.files, recorded.cap * sizeof *recorded.files));
    }
    struct input_file *f = &recorded.files[recorded.n++];
    *f = (struct input_file){.path = checked_alloc(strdup(path))};
    return f;
}

void input_file_add(const char *path)
{
    input_file_opened(path);
    if (!recorded.on || find(path))
        return;
    struct input_file *f = append(path);
    if (sha256_file(path, f->sha256))
        f->sha256[0] = '\0';
}

void input_file_add_text(const char *path, const char *text, size_t len)
{
    input_file_opened(path);
    if (!recorded.on || find(path))
        return;
    struct input_file *f = append(path);
    char *copy = checked_alloc(malloc(len + 1));
    memcpy(copy, text, len);
    copy[len] = '\0';
    f->text = copy;
    f->len = len;
    sha256_text(text, len, f->sha256);
}

const struct input_file *input_file_text(const char *path)
{
    const struct input_file *f = recorded.on ? find(path) : NULL;
    return f && f->text ? f : NULL;
}

struct input_file *input_file_of(const char *text)
{
    for (size_t i = 0; recorded.on && i < recorded.n; i++)
        if (recorded.files[i].text == text)
            return &recorded.files[i];
    return NULL;
}

unsigned input_files_list(void)
{
    return recorded.on ? recorded.list : 0;
}

size_t input_files_count(void)
{
    return recorded.n;
}

const struct input_file *input_file_at(size_t i)
{
    return &recorded.files[i];
}
