//! A panic: its message goes to the log, and the instance ends by a trap. Nothing of it is used again.

const std = @import("std");
const log = @import("../log.zig");

/// What a module panics with.
pub const panic = std.debug.FullPanic(struct {
    fn panic(text: []const u8, _: ?usize) noreturn {
        log.line(.critical, "panic", "{s}", .{text});
        @trap();
    }
}.panic);
