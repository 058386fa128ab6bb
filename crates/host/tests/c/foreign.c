/* A plugin in C, for what Rust authors cannot do wrong. Built by the tests
 * with -DFAULT=n. The structs are copydesk-abi's, as far as they are used. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct { const char *ptr; size_t len; } str;
typedef struct { const char *data; const int64_t *offsets; } str_col;
typedef int32_t status;

typedef struct {
    uint32_t struct_size; uint16_t abi_major, abi_minor; void *ctx;
    void (*log)(void *, uint32_t, str, str);
    uint32_t (*log_level)(void *);
    status (*diagnose)(void *, uint32_t, str, str, str);
    status (*fail)(void *, status, uint32_t, str, str, str);
    status (*require)(void *, str, uint32_t);
    status (*describe)(void *, str, str, str);
    status (*lookup)(void *, str, str, void *, void (*)(void *, str));
    uint32_t (*thread_budget)(void *);
    status (*resource)(void *, str, void *, void (*)(void *, str));
    void (*counter)(void *, str, uint64_t);
    const void *(*get_extension)(void *, str);
} host;

typedef struct {
    uint32_t struct_size, layer_stride, doc_count, layer_count;
    str_col id, text, raw, media_type, lang, meta_json;
    const void *layers; void *ctx;
    int64_t (*time_left_ms)(void *);
    str_col link_layers; uint32_t link_layer_count, pad;
} batch;

typedef struct { uint32_t start, end, label; float score; } span;
typedef union { int64_t i; double f; str s; struct { uint32_t layer, row; } link; } value;

typedef struct {
    uint32_t struct_size, pad; void *ctx;
    status (*layer)(void *, str, uint32_t *);
    status (*label)(void *, uint32_t, str, uint32_t *);
    status (*add_spans)(void *, uint32_t, uint32_t, const span *, size_t, uint32_t *);
    status (*set_attr)(void *, uint32_t, uint32_t, uint32_t, str, uint32_t, const value *);
    status (*set_vectors)(void *, uint32_t, uint32_t, uint32_t, size_t, str, uint32_t, const float *);
    status (*set_meta)(void *, uint32_t, str, str);
    status (*warn_doc)(void *, uint32_t, uint32_t, uint32_t, str, str);
    status (*edit_text)(void *, uint32_t, const void *, size_t);
    status (*drop_doc)(void *, uint32_t, str);
    status (*fail_doc)(void *, uint32_t, uint32_t, str, str);
    void (*fail_call)(void *, status, uint32_t, uint32_t, str, str, str);
} writer;

typedef struct {
    uint32_t struct_size, flags; str id, version, config_schema;
    const str *requires; size_t requires_count; const str *provides; size_t provides_count;
    status (*create)(const host *, str, void **);
    status (*load)(void *, const host *);
    void (*destroy)(void *);
    status (*open_worker)(const void *, const host *, uint32_t, void **);
    void (*close_worker)(void *);
    status (*process)(void *, const batch *, const writer *);
} stage_api;

typedef struct {
    uint32_t struct_size; uint16_t abi_major, abi_minor; uint32_t stage_count, flags;
    const stage_api *const *stages;
    const void *(*get_extension)(str);
} module;

#define S(text) ((str){ text, sizeof(text) - 1 })
enum {
    FINE, NULL_MODULE, OTHER_ABI, SMALL_MODULE, NULL_FUNCTION, OTHER_STAGE, BAD_SCHEMA,
    NO_STAGE, FOREIGN_STATUS, BAD_UTF8, NULL_STRING, NULL_SPANS, UNKNOWN_ATTRIBUTE,
    BAD_JSON, UNKNOWN_LABEL, EXTENSION, NO_SUCH_DOC, BAD_CONTRACT, UNDEFINED_SYMBOL
};

static int object;

static status create(const host *h, str options, void **out)
{
    (void)options;
    if (FAULT == EXTENSION && h->get_extension(h->ctx, S("example/none")) != NULL)
        return 1;
    h->log(h->ctx, 99, S("c"), (str){ "\xff", 1 });
    if (FAULT != NO_STAGE) *out = &object;
    return 0;
}
static status load(void *stage, const host *h)
{
    (void)stage;
    /* Only `create` may do this. */
    return h->require(h->ctx, S("layer:marks"), 0) == 4 ? 0 : 1;
}
#if FAULT == 18
extern void missing_from_everywhere(void);
static void destroy(void *stage) { (void)stage; missing_from_everywhere(); }
#else
static void destroy(void *stage) { (void)stage; }
#endif
static status open_worker(const void *stage, const host *h, uint32_t index, void **out)
{
    (void)stage; (void)h; (void)index;
    *out = &object;
    return 0;
}
static void close_worker(void *worker) { (void)worker; }

static status process(void *worker, const batch *b, const writer *w)
{
    uint32_t layer = 0, label = 0, first = 0;
    (void)worker;
    if (FAULT == FOREIGN_STATUS) return 77;
    if (w->layer(w->ctx, S("marks"), &layer) != 0) return 1;
    if (w->label(w->ctx, layer, S("C"), &label) != 0) return 1;
    for (uint32_t d = 0; d < b->doc_count; d++) {
        span s = { 0, (uint32_t)(b->text.offsets[d + 1] - b->text.offsets[d]), label, 1.0f };
        value v; v.i = 1;
        status done;
        switch (FAULT) {
        case BAD_UTF8: w->label(w->ctx, layer, (str){ "\xc3\x28", 2 }, &label); break;
        case NULL_STRING: w->drop_doc(w->ctx, d, (str){ NULL, 5 }); break;
        case NULL_SPANS: w->add_spans(w->ctx, d, layer, NULL, 3, &first); break;
        case UNKNOWN_LABEL: s.label = 12; break;
        case BAD_JSON: w->set_meta(w->ctx, d, S("/c"), S("{no json")); break;
        case NO_SUCH_DOC: w->drop_doc(w->ctx, 1000, S("gone")); break;
        default: break;
        }
        done = w->add_spans(w->ctx, d, layer, &s, 1, &first);
        if (FAULT == UNKNOWN_ATTRIBUTE)
            w->set_attr(w->ctx, d, layer, first, S("colour"), 42, &v);
        if (done != 0 && FAULT == FINE) return 1;
    }
    return 0;
}

static const str provides[] = {
    { FAULT == BAD_CONTRACT ? "laver:marks" : "layer:marks", 11 }, { "meta:c", 6 }
};
static const stage_api stage = {
    sizeof(stage_api), 0,
    { FAULT == OTHER_STAGE ? "test/c2" : "test/cc", 7 }, { "1.0.0", 5 },
    { FAULT == BAD_SCHEMA ? "{]" : "{}", 2 },
    NULL, 0, provides, 2,
    create, load, destroy, open_worker, close_worker, FAULT == NULL_FUNCTION ? NULL : process
};
static const stage_api *const stages[] = { &stage };
static const void *get_extension(str id) { (void)id; return NULL; }
static const module table = {
    FAULT == SMALL_MODULE ? 8 : sizeof(module), FAULT == OTHER_ABI ? 9 : 0, 1, 1, 0,
    stages, get_extension
};

#ifdef __APPLE__
__attribute__((used, section("__DATA,__copydesk")))
#else
__attribute__((used, section(".copydesk.meta")))
#endif
static const char metadata[] = META;

__attribute__((visibility("default")))
const module *copydesk_module_v1(uint16_t host_major, uint16_t host_minor)
{
    (void)host_major; (void)host_minor;
    return FAULT == NULL_MODULE ? NULL : &table;
}
