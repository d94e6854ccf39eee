//! A handler's exports: the contract's functions in terms of the one component that the module holds. An instance gets
//! one call at a time.

const std = @import("std");
const abi = @import("../abi/types.zig");
const memory = @import("../abi/memory.zig");
const shape = @import("shape.zig");
const values = @import("../abi/values.zig");
const failure = @import("../failure.zig");
const Asked = @import("../asked.zig").Asked;
const Call = @import("../call.zig").Call;
const Output = @import("../output.zig").Output;

const lifecycle = "airssys:component/lifecycle@0.1.0#";
const handling = "airssys:component/handler@0.1.0#";
const asking = "airssys:component/capabilities@0.1.0#";
const state = "airssys:component/state@0.1.0#";

const Done = abi.Result(abi.Nothing, values.Failure);
const Answer = abi.Result(values.Output, values.Failure);
const SavedState = abi.Result(abi.Text, values.Failure);
const Request = extern struct { what: Asked.What, name: abi.Text, reason: abi.Option(abi.Text) };

/// What a call brings, where the host has put it.
const Brought = extern struct { context: values.Context, input: values.Input };

/// Memory that lives as long as the instance.
const lasting = std.heap.wasm_allocator;

/// Exports the component that a module declares, an actor with its state.
pub fn handler(comptime module: type, comptime stateful: bool) void {
    const Component = shape.component(module);
    const exported = Exports(Component);
    memory.exportRealloc();
    give(lifecycle ++ "init", &exported.init);
    give(lifecycle ++ "health", &exported.health);
    @export(&exported.shutdown, .{ .name = lifecycle ++ "shutdown" });
    give(handling ++ "execute", &exported.execute);
    give(asking ++ "required", &exported.required);
    if (!stateful) return;
    give(state ++ "save", &exported.save);
    give(state ++ "restore", &exported.restore);
}

/// Exports a function, and what the host calls when it has read the answer.
fn give(comptime name: []const u8, comptime function: anytype) void {
    @export(function, .{ .name = name });
    @export(&answered, .{ .name = "cabi_post_" ++ name });
}

fn answered(_: *const anyopaque) callconv(.c) void {
    memory.reset();
}

fn Exports(comptime Component: type) type {
    return struct {
        var component: ?Component = null;
        /// Where the host reads an answer from: one at a time.
        var done: Done = undefined;
        var answer: Answer = undefined;
        var saved_state: SavedState = undefined;
        var requests: abi.List(Request) = undefined;

        fn init(config: [*]const u8, config_len: usize) callconv(.c) *const Done {
            failure.forget();
            const text = if (config_len == 0) "" else config[0..config_len];
            if (Component.init(.{ .allocator = lasting, .config_text = text })) |made| {
                component = made;
                done = .success(0);
            } else |err| done = .failure(.of(err));
            return &done;
        }

        fn health() callconv(.c) *const Done {
            failure.forget();
            done = if (ask()) |_| .success(0) else |err| .failure(.of(err));
            return &done;
        }

        fn ask() anyerror!void {
            if (@hasDecl(Component, "health")) try (try held()).health();
        }

        fn shutdown() callconv(.c) void {
            if (component) |*there| if (@hasDecl(Component, "shutdown")) there.shutdown();
            component = null;
        }

        fn execute(brought: *const Brought) callconv(.c) *const Answer {
            failure.forget();
            answer = if (run(brought)) |output| .success(output) else |err| .failure(.of(err));
            return &answer;
        }

        fn run(brought: *const Brought) anyerror!values.Output {
            const call: Call = .{
                .allocator = memory.allocator,
                .context = brought.context.read(),
                .input = .{
                    .body = brought.input.body.slice(),
                    .content_type = abi.slice(brought.input.content_type),
                    .metadata = try values.read(memory.allocator, brought.input.metadata),
                },
            };
            const output: Output = try (try held()).execute(call);
            return .of(memory.allocator, output);
        }

        fn required() callconv(.c) *const abi.List(Request) {
            requests = .of(&asked);
            return &requests;
        }

        const asked = requestsOf(Component);

        fn save() callconv(.c) *const SavedState {
            failure.forget();
            saved_state = if (write()) |bytes| .success(.of(bytes)) else |err| .failure(.of(err));
            return &saved_state;
        }

        fn write() anyerror![]const u8 {
            return if (@hasDecl(Component, "save")) (try held()).save(memory.allocator) else "";
        }

        fn restore(saved: [*]const u8, saved_len: usize, by: [*]const u8, by_len: usize) callconv(.c) *const Done {
            failure.forget();
            const bytes = if (saved_len == 0) "" else saved[0..saved_len];
            done = if (read(bytes, by[0..by_len])) |_| .success(0) else |err| .failure(.of(err));
            return &done;
        }

        fn read(bytes: []const u8, by: []const u8) anyerror!void {
            if (!@hasDecl(Component, "restore")) return;
            try (try held()).restore(.{ .allocator = lasting, .bytes = bytes, .by = by });
        }

        fn held() error{Failed}!*Component {
            if (component) |*there| return there;
            return failure.fail(error.Failed, "the component was called before its init", .{});
        }
    };
}

/// What a component asks for, laid out when it is compiled.
fn requestsOf(comptime Component: type) [if (@hasDecl(Component, "capabilities")) Component.capabilities.len else 0]Request {
    if (!@hasDecl(Component, "capabilities")) return .{};
    comptime {
        var made: [Component.capabilities.len]Request = undefined;
        for (Component.capabilities, &made) |each, *request| request.* = .{
            .what = each.what,
            .name = .of(each.name),
            .reason = abi.optional(each.reason),
        };
        return made;
    }
}
