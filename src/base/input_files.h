/* Which files a run depends on: every reader of files says what it opens; for each file its SHA-256 is kept.
 * Off by default. Config files (all that yaml_text_read reads) are read once while it is on: whoever edits
 * one in the middle of a sweep does not get half a sweep of each version. */
#ifndef MOESIM_BASE_INPUT_FILES_H
#define MOESIM_BASE_INPUT_FILES_H

#include <stdbool.h>
#include <stddef.h>

enum { SHA256_TEXT = 65 };

struct input_file {
    const char *path;
    char sha256[SHA256_TEXT]; /* of the bytes as they lie on disk; "" = it went away */
    const char *text;         /* of a config file, else NULL */
    size_t len;
    const struct yaml_doc *doc; /* of that text, when it was parsed */
};

struct yaml_doc;

/* A file is being read, by whatever reader: no output of this process may replace it (outfile.h). Known by device and
 * inode, so under any name. All functions below that add a file do this, too. */
void input_file_opened(const char *path);
/* Whether such a file lies under this path now. */
bool input_file_is(const char *path);

/* Starts over with an empty list. A forked child inherits the list and adds to its own copy. */
void input_files_record(void);
/* Which list it is, from 1 on; 0: none is kept. What was parsed of config files while this was the same need not be parsed again. */
unsigned input_files_list(void);
/* A file is being read. Cheap when it is known already or nothing is recorded. */
void input_file_add(const char *path);
void input_file_add_text(const char *path, const char *text, size_t len);
/* What input_file_add_text was given, in a copy that stays; or NULL. */
const struct input_file *input_file_text(const char *path);
/* The file that has this very text, or NULL. */
struct input_file *input_file_of(const char *text);
/* All files in the order of their first use. */
size_t input_files_count(void);
const struct input_file *input_file_at(size_t i);

void sha256_text(const void *data, size_t len, char out[SHA256_TEXT]);
/* 0, or -1 with errno. */
int sha256_file(const char *path, char out[SHA256_TEXT]);

#endif
