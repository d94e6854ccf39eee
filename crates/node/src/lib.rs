//! Runs WebAssembly components and changes them while they run: the node, and the library to embed.

#![forbid(unsafe_code)]

mod ingress;
mod live;
mod logs;
mod metrics;
