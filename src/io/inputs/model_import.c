/* Hugging Face's config.json as a model of ours: which object of the file is the language model, its layers one by one
 * (model_import_attention.c, model_import_network.c), their precision (model_import_quant.c), and our YAML of them
 * (model_import_write.c). Keys are read by what they mean; model_import_types.c has what a model_type means beside.
 *
 * What is not understood is told at its key. JSON as Python writes it: NaN and Infinity are numbers. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/input_files.h"
#include "io/inputs/input.h"
#include "io/inputs/model_file.h"
#include "io/inputs/model_import_priv.h"
#include "io/whole_file.h"

enum { LARGEST_CONFIG_B = 64 << 20, MOST_LAYERS = 1024 };

/* --- JSON as Python writes it ---------------------------------------------------------------------------------------- */

/* Infinity as a number that is one, NaN as a text, which no number is; as long as before. */
static void replace_numbers(char *json, size_t len)
{
    static const struct {
        const char *word, *by;
    } words[] = {{"Infinity", "1e999   "}, {"NaN", "\"\" "}};
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        quoted ^= json[i] == '"';
        i += quoted && json[i] == '\\';
        for (size_t k = 0; !quoted && i < len && k < sizeof words / sizeof *words; k++)
            if (!strncmp(json + i, words[k].word, strlen(words[k].word)))
                memcpy(json + i, words[k].by, strlen(words[k].by));
    }
}

static cJSON *parse(const char *json, size_t len, const char *path, struct diag *diag)
{
    const char *end = json;
    cJSON *root = cJSON_ParseWithLengthOpts(json, len, &end, 0);
    if (!cJSON_IsObject(root))
        diag_error(diag, EXIT_BAD_INPUT, root ? SRCLOC_FILE(path) : import_place_of(json, len, end, path),
                   root ? "a config.json is an object: { ... }" : "this is no JSON, or it was cut off");
    return root;
}

/* --- which object is the language model ----------------------------------------------------------------------------- */

#define LAYERS "num_hidden_layers|num_layers|n_layers"

static bool is_language_model(const cJSON *o)
{
    return cJSON_HasObjectItem(o, "hidden_size") &&
           (cJSON_HasObjectItem(o, "num_hidden_layers") || cJSON_HasObjectItem(o, "num_layers") ||
            cJSON_HasObjectItem(o, "n_layers"));
}

/* Of models that see or hear, the part that writes. */
static bool find_text(struct import *im, const cJSON *o, int depth)
{
    static const char *const parts[] = {"text_config",    "llm_config",        "language_config",
                                        "thinker_config", "text_model_config", NULL};
    if (is_language_model(o)) {
        im->text = o;
        return true;
    }
    for (const char *const *part = parts; *part && depth < 3; part++) {
        const cJSON *inner = cJSON_GetObjectItemCaseSensitive(o, *part);
        im->inside[depth] = *part;
        if (cJSON_IsObject(inner) && find_text(im, inner, depth + 1)) {
            import_mark(inner);
            return true;
        }
        im->inside[depth] = NULL;
    }
    return false;
}

static double number_in(const cJSON *o, const char *key, const char *other)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    v = v ? v : cJSON_GetObjectItemCaseSensitive(o, other);
    return cJSON_IsNumber(v) && v->valuedouble > 0 && v->valuedouble < 1e6 ? v->valuedouble : 0;
}

/* Layers of a vision transformer: four matrices of attention, two of its network; "" where the keys do not say. */
static const char *tower_of(struct import *im)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(im->root, "vision_config");
    double h = number_in(v, "hidden_size", "width"), n = number_in(v, "num_hidden_layers", "depth"),
           ffn = number_in(v, "intermediate_size", "ffn_hidden_size");
    if (!(h * n * ffn > 0))
        return "";
    return arena_printf(im->arena, " (about %.2g B parameters in %.0f layers that see)",
                        n * h * (4 * h + 2 * ffn) / 1e9, n);
}

static bool choose_text(struct import *im)
{
    im->text = im->root;
    if (find_text(im, im->root, 0)) {
        if (im->inside[0])
            import_note(im, "The language model in '%s'; what sees or hears was left out%s", im->inside[0],
                        tower_of(im));
        return true;
    }
    im->text = im->root;
    if (!import_find_family(im))
        return false;
    import_complain(im, "num_hidden_layers",
                    "is missing, and so is an object 'text_config' or 'llm_config' that has it "
                    "and 'hidden_size'");
    return false;
}

/* --- layers --------------------------------------------------------------------------------------------------------- */

/* LongCat: two attentions and two dense networks, and experts beside the second. */
static void import_twice(struct import *im)
{
    long long half = im->layers;
    import_note(im, "A layer of two attentions stands as two layers, the second with the experts");
    for (long long i = half - 1; i >= 0; i--) {
        struct import_layer l = im->layer[i];
        im->layer[2 * i + 1] = l;
        im->layer[2 * i] = l;
    }
    im->layers = 2 * half;
    for (long long i = 0; i < im->layers; i += 2)
        import_dense_network(im, i / 2, &im->layer[i].network);
}

static bool good_size(struct import *im, const char *key, long long value, long long most)
{
    if (value >= 1 && value <= most)
        return true;
    import_complain(im, key, "must be from 1 to %lld", most);
    return false;
}

static void tell_features(struct import *im)
{
    if (import_whole(im, "attn_res_block_size", 0))
        import_note(im, "attn_res_block_size: attention over the residuals of earlier layers was left out");
}

static void import_layers(struct import *im)
{
    im->layers = import_whole(im, LAYERS, -1);
    im->hidden = import_whole(im, "hidden_size", -1);
    if (!good_size(im, "num_hidden_layers", im->layers, MOST_LAYERS) ||
        !good_size(im, "hidden_size", im->hidden, 1 << 24))
        return;
    im->layer = ARENA_ARRAY(im->arena, struct import_layer, 2 * (size_t)im->layers);
    for (long long i = 0; i < im->layers; i++) {
        import_attention(im, i, &im->layer[i].attention);
        import_network(im, i, &im->layer[i].network);
    }
    import_check_experts(im);
    if (import_has_trait(im, TWICE))
        import_twice(im);
    tell_features(im);
}

static const char *import_all(struct import *im, const cJSON *beside)
{
    size_t before = diag_count(im->diag);
    if (!choose_text(im) || !import_find_family(im))
        return "";
    import_refuse_features(im);
    import_quant_read(im, beside);
    if (diag_count(im->diag) == before)
        import_layers(im);
    if (diag_count(im->diag) != before)
        return "";
    import_get_any(im, "tie_word_embeddings|vocab_size|num_nextn_predict_layers|mtp_num_hidden_layers|num_mtp_modules|"
                       "num_mtp_layers|mtp_num_layers|mtp_transformer_layers|hc_mult");
    import_tell_unread(im);
    return diag_count(im->diag) == before ? import_write(im) : "";
}

/* --- the document --------------------------------------------------------------------------------------------------- */

int model_import_text(const char *json, size_t len, const char *beside, const char *path, struct arena *arena,
                      const char **yaml, struct diag *diag)
{
    size_t before = diag_count(diag);
    char *copy = arena_alloc(arena, len + 1);
    memcpy(copy, json, len);
    replace_numbers(copy, len);
    cJSON *root = parse(copy, len, path, diag);
    cJSON *quant = beside && cJSON_IsObject(root) ? cJSON_Parse(beside) : NULL;
    struct import *im = ARENA_NEW(arena, struct import);
    *im = (struct import){.root = root,
                          .json = copy,
                          .len = len,
                          .path = path,
                          .arena = arena,
                          .diag = diag,
                          .notes = "",
                          .complaints = "",
                          .yaml = ""};
    *yaml = "";
    if (beside && cJSON_IsObject(root) && !cJSON_IsObject(quant))
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(path), "the hf_quant_config.json beside it is no JSON object");
    if (diag_count(diag) == before)
        *yaml = import_all(im, quant);
    if (diag_count(diag) == before)
        import_check(im, *yaml);
    import_free_regex(im);
    cJSON_Delete(root);
    cJSON_Delete(quant);
    return diag_count(diag) != before ? -1 : 0;
}

/* NAMEconfig.json has NAMEhf_quant_config.json beside it, or nothing. The caller frees it. */
static int read_beside(const char *path, char **out, struct arena *arena, struct diag *diag)
{
    static const char ending[] = "config.json";
    size_t n = strlen(path), e = sizeof ending - 1, len;
    struct stat st;
    *out = NULL;
    if (n < e || strcmp(path + n - e, ending) != 0)
        return 0;
    const char *beside = arena_printf(arena, "%.*shf_quant_%s", (int)(n - e), path, ending);
    return stat(beside, &st) ? 0 : whole_file_read(beside, LARGEST_CONFIG_B, out, &len, diag);
}

static const char *file_of(const char *path, struct arena *arena)
{
    struct stat st;
    bool folder = !stat(path, &st) && S_ISDIR(st.st_mode);
    return folder ? arena_printf(arena, "%s%sconfig.json", path, path[strlen(path) - 1] == '/' ? "" : "/") : path;
}

/* A file of another kind says so itself. */
static bool is_other(const char *path, const char *json, size_t len, struct diag *diag)
{
    static struct input_head head;
    head.n = len < INPUT_HEAD_B ? len : INPUT_HEAD_B;
    head.path = path;
    memcpy(head.bytes, json, head.n);
    head.bytes[head.n] = 0;
    const struct input_format *f = input_recognise(&head);
    if (!f || f->makes == INPUT_MODEL)
        return false;
    diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(path),
               "this is a trace (%s), no config.json; 'moesim import' reads it", f->name);
    return true;
}

int model_import(const char *path, struct arena *arena, struct outfile *out, struct diag *diag)
{
    size_t len;
    const char *yaml, *file = file_of(path, arena);
    char *json = NULL, *beside = NULL;
    int failed = whole_file_read(file, LARGEST_CONFIG_B, &json, &len, diag) || is_other(file, json, len, diag) ||
                 read_beside(file, &beside, arena, diag) ||
                 model_import_text(json, len, beside, file, arena, &yaml, diag);
    free(json);
    free(beside);
    if (failed)
        return -1;
    outfile_write(out, yaml, strlen(yaml));
    return 0;
}

static bool is_config(const struct input_head *head)
{
    return input_is_object(head) && (strstr(head->bytes, "\"model_type\"") || strstr(head->bytes, "\"architectures\""));
}

const struct input_format input_model_config = {
    .name = "config.json", .doc = "Hugging Face's transformers", .makes = INPUT_MODEL, .recognises = is_config};
