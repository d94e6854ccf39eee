//! An HTTP service's export: `wasi:http/incoming-handler`.

const std = @import("std");
const abi = @import("../abi/types.zig");
const body = @import("../abi/body.zig");
const memory = @import("../abi/memory.zig");
const shape = @import("shape.zig");
const wasi = @import("../abi/http.zig");
const failure = @import("../failure.zig");
const api = @import("../http.zig");

/// Exports the service that a module declares.
pub fn http(comptime module: type) void {
    shape.service(module);
    memory.exportRealloc();
    @export(&Export(module).handle, .{ .name = "wasi:http/incoming-handler@0.2.12#handle" });
}

fn Export(comptime module: type) type {
    return struct {
        fn handle(request: u32, out: u32) callconv(.c) void {
            failure.forget();
            defer memory.reset();
            respond(out, answer(request));
        }

        fn answer(request: u32) api.Response {
            return serve(request) catch |err| {
                if (failure.kindOf(err) == .failed) std.log.err("{s}", .{failure.sentenceOf(err)});
                return api.responseTo(err);
            };
        }

        fn serve(request: u32) anyerror!api.Response {
            defer wasi.types.@"[resource-drop]incoming-request"(request);
            const method = methodOf(request) orelse return .text(501, "this service knows no such method\n");
            return module.handle(try receive(request, method));
        }
    };
}

/// What a request says, in memory of the call.
fn receive(request: u32, method: api.Method) api.Error!api.Incoming {
    const headers = try body.headers(memory.allocator, wasi.types.@"[method]incoming-request.headers"(request));
    var target: abi.Option(abi.Text) = undefined;
    wasi.types.@"[method]incoming-request.path-with-query"(request, &target);
    var consumed: wasi.MaybeHandle = undefined;
    wasi.types.@"[method]incoming-request.consume"(request, &consumed);
    return .{
        .allocator = memory.allocator,
        .method = method,
        .target = abi.slice(target) orelse "/",
        .headers = headers,
        .body = if (consumed.is_err) "" else try body.read(memory.allocator, consumed.either.ok),
    };
}

/// The request's method; none where Zig's HTTP has no name for it.
fn methodOf(request: u32) ?api.Method {
    var method: wasi.Method = undefined;
    wasi.types.@"[method]incoming-request.method"(request, &method);
    // The contract's nine stand first in Zig's, in the same order.
    if (method.tag < @backingInt(api.Method.QUERY)) return @fromBackingInt(@intCast(method.tag));
    return std.meta.stringToEnum(api.Method, method.text.slice());
}

/// Sends a response. A caller who has gone away is no error of the service's.
fn respond(out: u32, response: api.Response) void {
    const headers = body.fields(response.headers) catch {
        std.log.err("{s}", .{failure.message()});
        return respond(out, .text(500, "the service failed\n"));
    };
    const made = wasi.types.@"[constructor]outgoing-response"(headers);
    if (wasi.types.@"[method]outgoing-response.set-status-code"(made, response.status) != 0) {
        std.log.err("{d} is no status", .{response.status});
        _ = wasi.types.@"[method]outgoing-response.set-status-code"(made, 500);
    }
    var opened: wasi.MaybeHandle = undefined;
    wasi.types.@"[method]outgoing-response.body"(made, &opened);
    wasi.types.@"[static]response-outparam.set"(out, 0, made, 0, 0, 0, 0, 0, 0);
    if (!opened.is_err) _ = body.write(opened.either.ok, response.body);
}
