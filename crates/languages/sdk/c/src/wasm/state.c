/* An actor's exports beside a handler's. */

OPTIONAL airssys_result airssys_save(airssys_bytes *state) {
    (void)state;
    return airssys_ok();
}

OPTIONAL airssys_result airssys_restore(airssys_bytes saved, const char *saved_by) {
    (void)saved, (void)saved_by;
    return airssys_ok();
}

bool exports_airssys_component_state_save(list_t *state, exports_airssys_component_state_error_t *error) {
    airssys_bytes bytes = {NULL, 0};
    if (!answered(airssys_save(&bytes), error)) return false;
    *state = bytes_to(bytes);
    return true;
}

bool exports_airssys_component_state_restore(list_t *saved, text_t *saved_by,
                                             exports_airssys_component_state_error_t *error) {
    return answered(airssys_restore(bytes_from(*saved), text_from(*saved_by)), error);
}

AFTER("state@0.1.0#save", state_save)
AFTER("state@0.1.0#restore", state_restore)
