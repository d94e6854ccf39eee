//! `wasi:sockets`, 0.2 and 0.3: each address is checked as it is used, each name as it is looked up.
//!
//! A right to a name is one to the addresses that this very instance was given for it. [`names`] looks a name up,
//! leaves out of the answer what no right lets be used, and remembers the rest; [`checks`] is what the runtime asks
//! before it binds, listens, connects or sends, and for each datagram that came. It then uses the address that was
//! checked and asks no resolver again, so a name that means something else a moment later leads nowhere.
//!
//! A connection's own end is the system's choice and needs no right; a port that was chosen takes one to listen
//! there, at the address that the guest names. What comes in on a socket that is bound by such a right may come from
//! anywhere; datagrams to any other come from whom the guest may send to, or are dropped. Answering a datagram is
//! sending one, and takes a right to its address.
//!
//! [`held`] counts what is open, and [`counted`] what comes and leaves by connections of 0.2; datagrams and what 0.3
//! sends are counted where the guest hands them over. Everything else about a socket is the runtime's.

mod checks;
mod context;
mod counted;
mod delegate;
mod held;
mod names;
mod p2;
mod p3;

use wasmtime::component::{HasData, Linker};
use wasmtime_wasi::p2::bindings::sockets as bindings_p2;
use wasmtime_wasi::p3::bindings::sockets as bindings_p3;
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView};

pub(crate) use self::checks::Checks;
pub(crate) use self::held::HeldSockets;
use crate::guest::Guest;

/// The sockets of a guest, as the linker names them.
struct Sockets;

impl HasData for Sockets {
    type Data<'a> = &'a mut Guest;
}

pub(super) fn add_p2_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    bindings_p2::tcp::add_to_linker::<Guest, Sockets>(linker, |guest| guest)?;
    bindings_p2::tcp_create_socket::add_to_linker::<Guest, Sockets>(linker, |guest| guest)?;
    bindings_p2::udp::add_to_linker::<Guest, Sockets>(linker, |guest| guest)?;
    bindings_p2::udp_create_socket::add_to_linker::<Guest, Sockets>(linker, |guest| guest)?;
    bindings_p2::ip_name_lookup::add_to_linker::<Guest, Sockets>(linker, |guest| guest)?;
    bindings_p2::instance_network::add_to_linker::<Guest, WasiSockets>(linker, Guest::sockets)?;
    let stable = bindings_p2::network::LinkOptions::default();
    bindings_p2::network::add_to_linker::<Guest, Sockets>(linker, &stable, |guest| guest)
}

pub(super) fn add_p3_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    bindings_p3::types::add_to_linker::<Guest, Sockets>(linker, |guest| guest)?;
    bindings_p3::ip_name_lookup::add_to_linker::<Guest, Sockets>(linker, |guest| guest)
}
