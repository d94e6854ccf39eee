/* Between the bindings' words and the SDK's. Text of the host's has a zero byte behind it (`cabi_realloc` sees to it). */

typedef airssys_bindings_string_t text_t;
typedef airssys_bindings_list_u8_t list_t;

static text_t text_to(const char *text) {
    airssys_bytes bytes = airssys_text(text == NULL ? NULL : as_utf8(text));
    return (text_t){(uint8_t *)bytes.data, bytes.size};
}

static const char *text_from(text_t text) { return text.len == 0 ? "" : (const char *)text.ptr; }

static airssys_bindings_option_string_t option_to(const char *text) {
    return (airssys_bindings_option_string_t){text != NULL, text_to(text)};
}

static const char *option_from(airssys_bindings_option_string_t text) {
    return text.is_some ? text_from(text.val) : NULL;
}

static list_t bytes_to(airssys_bytes bytes) { return (list_t){(uint8_t *)bytes.data, bytes.size}; }

static airssys_bytes bytes_from(list_t bytes) {
    return (airssys_bytes){bytes.len == 0 ? "" : (const char *)bytes.ptr, bytes.len};
}

static airssys_component_types_list_metadatum_t metadata_to(airssys_pairs pairs) {
    airssys_component_types_metadatum_t *items = airssys_alloc(pairs.count * sizeof *items);
    for (size_t i = 0; i < pairs.count; i++) {
        items[i].f0 = text_to(pairs.items[i].name);
        items[i].f1 = text_to(pairs.items[i].value);
    }
    return (airssys_component_types_list_metadatum_t){items, pairs.count};
}

static airssys_pairs metadata_from(airssys_component_types_list_metadatum_t list) {
    airssys_pair *items = airssys_alloc(list.len * sizeof *items);
    for (size_t i = 0; i < list.len; i++) {
        items[i] = (airssys_pair){text_from(list.ptr[i].f0), text_from(list.ptr[i].f1)};
    }
    return (airssys_pairs){items, list.len};
}
