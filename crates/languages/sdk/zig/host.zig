//! Who does what a component asks for: the node on WebAssembly, and its stand-in in tests elsewhere.

const builtin = @import("builtin");

const on_node = builtin.cpu.arch == .wasm32;

pub const log = if (on_node) @import("host/log.zig") else @import("testing.zig").host.log;
pub const settings = if (on_node) @import("host/settings.zig") else @import("testing.zig").host.settings;
pub const keyvalue = if (on_node) @import("host/keyvalue.zig") else @import("testing.zig").host.keyvalue;
pub const http = if (on_node) @import("host/http.zig") else @import("testing.zig").host.http;
pub const services = if (on_node) @import("host/services.zig") else @import("testing.zig").host.services;
pub const process = if (on_node) @import("host/process.zig") else @import("testing.zig").host.process;
