//! Write components for airssys-wasm in Zig.
//!
//! A handler's `src/main.zig` declares `pub const Component`: a struct with `init` and `execute`, and whatever else of
//! the contract it needs (`health`, `shutdown`, `capabilities`, `save`, `restore`). An HTTP service declares
//! `pub fn handle`. A command declares `pub fn main` as any Zig program does. The same files compile natively, where
//! `airssys.testing` stands in for the node, so that `zig build test` needs no WebAssembly.
//!
//! ```
//! const airssys = @import("airssys");
//!
//! pub const Component = struct {
//!     pub fn init(_: airssys.Start) !Component {
//!         return .{};
//!     }
//!
//!     pub fn execute(_: *Component, call: airssys.Call) !airssys.Output {
//!         return .print(call.allocator, "hello, {s}", .{try call.text()});
//!     }
//! };
//! ```

const failure = @import("failure.zig");

pub const Call = @import("call.zig").Call;
pub const Context = @import("call.zig").Context;
pub const Input = @import("call.zig").Input;
pub const Metadatum = @import("call.zig").Metadatum;
pub const Output = @import("output.zig").Output;
pub const Start = @import("start.zig").Start;
pub const Saved = @import("start.zig").Saved;
pub const Asked = @import("asked.zig").Asked;

pub const Error = failure.Error;
pub const fail = failure.fail;
pub const message = failure.message;

pub const http = @import("http.zig");
pub const keyvalue = @import("keyvalue.zig");
pub const log = @import("log.zig");
pub const process = @import("process.zig");
pub const services = @import("services.zig");
pub const settings = @import("settings.zig");
pub const testing = @import("testing.zig");

/// What the entry files make a module's exports of. No part of the interface: it changes without notice.
pub const exports = struct {
    pub const handler = @import("exports/handler.zig").handler;
    pub const http = @import("exports/http.zig").http;
    pub const panic = @import("exports/panic.zig").panic;
};

test {
    _ = @import("failure.zig");
    _ = @import("text.zig");
    _ = @import("call.zig");
    _ = @import("start.zig");
    _ = @import("http.zig");
    _ = @import("origin.zig");
    _ = @import("testing.zig");
}
