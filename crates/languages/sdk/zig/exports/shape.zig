//! What a module has to declare, told in terms of what to write where it does not.

const std = @import("std");
const Call = @import("../call.zig").Call;
const Output = @import("../output.zig").Output;
const Start = @import("../start.zig").Start;
const Saved = @import("../start.zig").Saved;
const http = @import("../http.zig");

/// The component of a handler's module.
pub fn component(comptime module: type) type {
    if (!@hasDecl(module, "Component") or @TypeOf(module.Component) != type) @compileError(
        \\src/main.zig declares no component: write
        \\    pub const Component = struct {
        \\        pub fn init(start: airssys.Start) !Component { … }
        \\        pub fn execute(self: *Component, call: airssys.Call) !airssys.Output { … }
        \\    };
    );
    const Component = module.Component;
    has(Component, "init", "pub fn init(start: airssys.Start) !Component");
    has(Component, "execute", "pub fn execute(self: *Component, call: airssys.Call) !airssys.Output");
    takes(Component, "init", &.{Start}, "pub fn init(start: airssys.Start) !Component");
    takes(Component, "execute", &.{ null, Call }, "pub fn execute(self: *Component, call: airssys.Call) !airssys.Output");
    takes(Component, "health", &.{null}, "pub fn health(self: *Component) !void");
    takes(Component, "shutdown", &.{null}, "pub fn shutdown(self: *Component) void");
    takes(Component, "save", &.{ null, std.mem.Allocator }, "pub fn save(self: *Component, allocator: std.mem.Allocator) ![]const u8");
    takes(Component, "restore", &.{ null, Saved }, "pub fn restore(self: *Component, saved: airssys.Saved) !void");
    fails(Component, "init", "pub fn init(start: airssys.Start) !Component");
    fails(Component, "execute", "pub fn execute(self: *Component, call: airssys.Call) !airssys.Output");
    return Component;
}

/// Checks an HTTP service's module.
pub fn service(comptime module: type) void {
    const signature = "pub fn handle(request: airssys.http.Incoming) !airssys.http.Response";
    if (!@hasDecl(module, "handle")) @compileError("src/main.zig declares no handle: write `" ++ signature ++ "`");
    takes(module, "handle", &.{http.Incoming}, signature);
    fails(module, "handle", signature);
}

fn has(comptime Component: type, comptime name: []const u8, comptime signature: []const u8) void {
    if (!@hasDecl(Component, name)) @compileError("the component has no " ++ name ++ ": write `" ++ signature ++ "` in it");
}

/// Checks a function's parameters, if it is there; null is one of any type.
fn takes(
    comptime Owner: type,
    comptime name: []const u8,
    comptime params: []const ?type,
    comptime signature: []const u8,
) void {
    if (!@hasDecl(Owner, name)) return;
    const wrong = "`" ++ name ++ "` has another shape than the contract's: `" ++ signature ++ "`";
    const info = @typeInfo(@TypeOf(@field(Owner, name)));
    if (info != .@"fn" or info.@"fn".param_types.len != params.len) @compileError(wrong);
    for (params, info.@"fn".param_types) |wanted, given| {
        if (wanted != null and given != null and wanted.? != given.?) @compileError(wrong);
    }
}

/// Checks that what a function returns can be an error.
fn fails(comptime Owner: type, comptime name: []const u8, comptime signature: []const u8) void {
    const Returned = @typeInfo(@TypeOf(@field(Owner, name))).@"fn".return_type orelse return;
    if (@typeInfo(Returned) != .error_union) {
        @compileError("`" ++ name ++ "` has to return an error union: `" ++ signature ++ "`");
    }
}
