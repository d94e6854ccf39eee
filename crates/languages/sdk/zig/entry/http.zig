//! The root of an HTTP service's module.

const std = @import("std");
const airssys = @import("airssys");
const component = @import("component");

pub const std_options: std.Options = if (@hasDecl(component, "std_options"))
    component.std_options
else
    .{ .log_level = .debug, .logFn = airssys.log.logFn };
pub const panic = airssys.exports.panic;

comptime {
    airssys.exports.http(component);
}
