//! `wasi:logging`.

const abi = @import("../abi/types.zig");
const Level = @import("../log.zig").Level;

const logging = struct {
    extern "wasi:logging/logging@0.1.0-draft" fn log(level: u32, context: [*]const u8, context_len: usize, message: [*]const u8, message_len: usize) void;
};

pub fn write(level: Level, context: []const u8, text: []const u8) void {
    logging.log(@backingInt(level), abi.start(context), context.len, abi.start(text), text.len);
}
