//! `wasi:sockets@0.2`: sockets are counted and asked for their right, names are looked up as rights allow; the rest
//! is the runtime's.

use std::net::{IpAddr, SocketAddr};
use std::vec;

use airssys_wasm_model::Protocol;
use futures::FutureExt;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::sockets::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Network,
};
use wasmtime_wasi::p2::bindings::sockets::tcp::ShutdownType;
use wasmtime_wasi::p2::bindings::sockets::{
    ip_name_lookup, network, tcp, tcp_create_socket, udp, udp_create_socket,
};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, DynPollable, Pollable, SocketError, SocketResult, TcpSocket,
    UdpSocket, subscribe,
};
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn};
use wasmtime_wasi::sockets::{WasiSocketsCtxView, WasiSocketsView};

use super::context::for_udp;
use super::counted::count;
use super::delegate::delegate;
use super::held::{NOWHERE, NoSocket, Revoked, Socket, UsedUp};
use super::names::LookupError;
use crate::guest::Guest;
use crate::wasi::streams;

type Accepted = (Resource<TcpSocket>, Resource<DynInputStream>, Resource<DynOutputStream>);
type Streams = (Resource<DynInputStream>, Resource<DynOutputStream>);
type Incoming = Resource<udp::IncomingDatagramStream>;
type Outgoing = Resource<udp::OutgoingDatagramStream>;
type Datagrams = (Incoming, Outgoing);

impl network::Host for Guest {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        network::Host::convert_error_code(&mut self.sockets(), error)
    }

    delegate! { network::Host:
        fn network_error_code(error: wasmtime::Error) -> wasmtime::Result<Option<ErrorCode>>;
    }
}

impl network::HostNetwork for Guest {
    delegate! { network::HostNetwork:
        fn drop(this: Network) -> wasmtime::Result<()>;
    }
}

impl tcp_create_socket::Host for Guest {
    fn create_tcp_socket(&mut self, family: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
        let place = self.sockets.open(Protocol::Tcp)?;
        let socket = tcp_create_socket::Host::create_tcp_socket(&mut self.sockets(), family)?;
        self.sockets.keep(socket.rep(), place, Protocol::Tcp);
        Ok(socket)
    }
}

impl udp_create_socket::Host for Guest {
    async fn create_udp_socket(
        &mut self,
        family: IpAddressFamily,
    ) -> SocketResult<Resource<UdpSocket>> {
        let place = self.sockets.open(Protocol::Udp)?;
        let mut ctx = for_udp(&self.sockets.checks, &place);
        let mut view = WasiSocketsCtxView { ctx: &mut ctx, table: &mut self.table };
        let socket = udp_create_socket::Host::create_udp_socket(&mut view, family).await?;
        self.sockets.keep(socket.rep(), place, Protocol::Udp);
        Ok(socket)
    }
}

impl tcp::Host for Guest {}

impl tcp::HostTcpSocket for Guest {
    async fn start_bind(
        &mut self,
        this: Resource<TcpSocket>,
        network: Resource<Network>,
        local: IpSocketAddress,
    ) -> SocketResult<()> {
        tcp::HostTcpSocket::start_bind(&mut self.sockets(), this, network, local).await
    }

    async fn start_listen(&mut self, this: Resource<TcpSocket>) -> SocketResult<()> {
        let (number, lent) = (this.rep(), Resource::new_borrow(this.rep()));
        tcp::HostTcpSocket::start_listen(&mut self.sockets(), this).await?;
        let at = local_address(self, lent);
        self.sockets.listens(number, Protocol::Tcp, at);
        Ok(())
    }

    fn start_connect(
        &mut self,
        this: Resource<TcpSocket>,
        network: Resource<Network>,
        remote: IpSocketAddress,
    ) -> SocketResult<()> {
        let number = this.rep();
        tcp::HostTcpSocket::start_connect(&mut self.sockets(), this, network, remote)?;
        self.sockets.reaches(number, Protocol::Tcp, remote.into());
        Ok(())
    }

    fn finish_connect(&mut self, this: Resource<TcpSocket>) -> SocketResult<Streams> {
        let (number, socket) = (this.rep(), self.sockets.socket(this.rep()));
        let streams = match tcp::HostTcpSocket::finish_connect(&mut self.sockets(), this) {
            // Its own refusal is the runtime's to say: it asked when the connection was begun.
            Err(error) if !matches!(error.downcast_ref(), Some(ErrorCode::WouldBlock)) => {
                return Err(error);
            }
            connecting => {
                self.sockets.may(number)?;
                connecting?
            }
        };
        self.hold_streams(&streams.0, &streams.1, socket)?;
        Ok(streams)
    }

    fn accept(&mut self, this: Resource<TcpSocket>) -> SocketResult<Accepted> {
        self.sockets.may(this.rep())?;
        let at = local_address(self, Resource::new_borrow(this.rep()));
        let accepted = tcp::HostTcpSocket::accept(&mut self.sockets(), this)?;
        let socket = self.sockets.accepted(accepted.0.rep(), at);
        self.hold_streams(&accepted.1, &accepted.2, socket)?;
        Ok(accepted)
    }

    fn subscribe(&mut self, this: Resource<TcpSocket>) -> wasmtime::Result<Resource<DynPollable>> {
        let number = this.rep();
        let pollable = tcp::HostTcpSocket::subscribe(&mut self.sockets(), this)?;
        self.sockets.waits(pollable.rep(), number);
        Ok(pollable)
    }

    fn drop(&mut self, this: Resource<TcpSocket>) -> wasmtime::Result<()> {
        let number = this.rep();
        tcp::HostTcpSocket::drop(&mut self.sockets(), this)?;
        self.sockets.forget(number);
        Ok(())
    }

    delegate! { tcp::HostTcpSocket:
        fn finish_bind(this: TcpSocket) -> SocketResult<()>;
        fn finish_listen(this: TcpSocket) -> SocketResult<()>;
        fn local_address(this: TcpSocket) -> SocketResult<IpSocketAddress>;
        fn remote_address(this: TcpSocket) -> SocketResult<IpSocketAddress>;
        fn is_listening(this: TcpSocket) -> wasmtime::Result<bool>;
        fn address_family(this: TcpSocket) -> wasmtime::Result<IpAddressFamily>;
        fn set_listen_backlog_size(this: TcpSocket, value: u64) -> SocketResult<()>;
        fn keep_alive_enabled(this: TcpSocket) -> SocketResult<bool>;
        fn set_keep_alive_enabled(this: TcpSocket, value: bool) -> SocketResult<()>;
        fn keep_alive_idle_time(this: TcpSocket) -> SocketResult<u64>;
        fn set_keep_alive_idle_time(this: TcpSocket, value: u64) -> SocketResult<()>;
        fn keep_alive_interval(this: TcpSocket) -> SocketResult<u64>;
        fn set_keep_alive_interval(this: TcpSocket, value: u64) -> SocketResult<()>;
        fn keep_alive_count(this: TcpSocket) -> SocketResult<u32>;
        fn set_keep_alive_count(this: TcpSocket, value: u32) -> SocketResult<()>;
        fn hop_limit(this: TcpSocket) -> SocketResult<u8>;
        fn set_hop_limit(this: TcpSocket, value: u8) -> SocketResult<()>;
        fn receive_buffer_size(this: TcpSocket) -> SocketResult<u64>;
        fn set_receive_buffer_size(this: TcpSocket, value: u64) -> SocketResult<()>;
        fn send_buffer_size(this: TcpSocket) -> SocketResult<u64>;
        fn set_send_buffer_size(this: TcpSocket, value: u64) -> SocketResult<()>;
        fn shutdown(this: TcpSocket, how: ShutdownType) -> SocketResult<()>;
    }
}

impl udp::Host for Guest {}

impl udp::HostUdpSocket for Guest {
    async fn start_bind(
        &mut self,
        this: Resource<UdpSocket>,
        network: Resource<Network>,
        local: IpSocketAddress,
    ) -> SocketResult<()> {
        let number = this.rep();
        udp::HostUdpSocket::start_bind(&mut self.sockets(), this, network, local).await?;
        self.sockets.listens(number, Protocol::Udp, local.into());
        Ok(())
    }

    async fn stream(
        &mut self,
        this: Resource<UdpSocket>,
        remote: Option<IpSocketAddress>,
    ) -> SocketResult<Datagrams> {
        let number = this.rep();
        self.sockets.may(number)?;
        let streams = udp::HostUdpSocket::stream(&mut self.sockets(), this, remote).await?;
        if let Some(remote) = remote {
            self.sockets.reaches(number, Protocol::Udp, remote.into());
        }
        self.sockets.shares(streams.0.rep(), number);
        self.sockets.shares(streams.1.rep(), number);
        Ok(streams)
    }

    fn subscribe(&mut self, this: Resource<UdpSocket>) -> wasmtime::Result<Resource<DynPollable>> {
        let number = this.rep();
        let pollable = udp::HostUdpSocket::subscribe(&mut self.sockets(), this)?;
        self.sockets.waits(pollable.rep(), number);
        Ok(pollable)
    }

    fn drop(&mut self, this: Resource<UdpSocket>) -> wasmtime::Result<()> {
        let number = this.rep();
        udp::HostUdpSocket::drop(&mut self.sockets(), this)?;
        self.sockets.forget(number);
        Ok(())
    }

    delegate! { udp::HostUdpSocket:
        fn finish_bind(this: UdpSocket) -> SocketResult<()>;
        fn local_address(this: UdpSocket) -> SocketResult<IpSocketAddress>;
        fn remote_address(this: UdpSocket) -> SocketResult<IpSocketAddress>;
        fn address_family(this: UdpSocket) -> wasmtime::Result<IpAddressFamily>;
        fn unicast_hop_limit(this: UdpSocket) -> SocketResult<u8>;
        fn set_unicast_hop_limit(this: UdpSocket, value: u8) -> SocketResult<()>;
        fn receive_buffer_size(this: UdpSocket) -> SocketResult<u64>;
        fn set_receive_buffer_size(this: UdpSocket, value: u64) -> SocketResult<()>;
        fn send_buffer_size(this: UdpSocket) -> SocketResult<u64>;
        fn set_send_buffer_size(this: UdpSocket, value: u64) -> SocketResult<()>;
    }
}

impl udp::HostIncomingDatagramStream for Guest {
    fn receive(&mut self, this: Incoming, most: u64) -> SocketResult<Vec<udp::IncomingDatagram>> {
        self.sockets.may(this.rep())?;
        let received = udp::HostIncomingDatagramStream::receive(&mut self.sockets(), this, most)?;
        self.sockets.moves(received.iter().map(|datagram| datagram.data.len()).sum())?;
        Ok(received)
    }

    fn subscribe(&mut self, this: Incoming) -> wasmtime::Result<Resource<DynPollable>> {
        let number = this.rep();
        let pollable = udp::HostIncomingDatagramStream::subscribe(&mut self.sockets(), this)?;
        self.sockets.waits(pollable.rep(), number);
        Ok(pollable)
    }

    fn drop(&mut self, this: Incoming) -> wasmtime::Result<()> {
        self.sockets.forget_part(this.rep());
        udp::HostIncomingDatagramStream::drop(&mut self.sockets(), this)
    }
}

impl udp::HostOutgoingDatagramStream for Guest {
    async fn drop(&mut self, this: Outgoing) -> wasmtime::Result<()> {
        self.sockets.forget_part(this.rep());
        udp::HostOutgoingDatagramStream::drop(&mut self.sockets(), this).await
    }

    fn check_send(&mut self, this: Outgoing) -> SocketResult<u64> {
        self.sockets.may(this.rep())?;
        udp::HostOutgoingDatagramStream::check_send(&mut self.sockets(), this)
    }

    fn send(&mut self, this: Outgoing, datagrams: Vec<udp::OutgoingDatagram>) -> SocketResult<u64> {
        self.sockets.may(this.rep())?;
        self.sockets.moves(datagrams.iter().map(|datagram| datagram.data.len()).sum())?;
        udp::HostOutgoingDatagramStream::send(&mut self.sockets(), this, datagrams)
    }

    fn subscribe(&mut self, this: Outgoing) -> wasmtime::Result<Resource<DynPollable>> {
        let number = this.rep();
        let pollable = udp::HostOutgoingDatagramStream::subscribe(&mut self.sockets(), this)?;
        self.sockets.waits(pollable.rep(), number);
        Ok(pollable)
    }
}

impl Guest {
    fn hold_streams(
        &mut self,
        input: &Resource<DynInputStream>,
        output: &Resource<DynOutputStream>,
        socket: Option<Socket>,
    ) -> SocketResult<()> {
        count(&mut self.table, input, output, &self.sockets.checks)?;
        let hold = socket.map(|socket| socket.hold);
        streams::hold_input(&mut self.table, input, hold.clone())?;
        Ok(streams::hold_output(&mut self.table, output, hold)?)
    }
}

/// The address of a socket that has one; port 0 is none.
fn local_address(guest: &mut Guest, socket: Resource<TcpSocket>) -> SocketAddr {
    let address = tcp::HostTcpSocket::local_address(&mut guest.sockets(), socket);
    address.map_or(NOWHERE, SocketAddr::from)
}

/// An answer, under way or being read. The runtime's own cannot be made outside of it, so a guest's handle, which
/// the bindings take for one of that, is one of this.
enum Answer {
    Awaited(AbortOnDropJoinHandle<Result<Vec<IpAddr>, LookupError>>),
    Come(Result<vec::IntoIter<IpAddr>, LookupError>),
}

type Handle = Resource<ip_name_lookup::ResolveAddressStream>;

fn ours(handle: &Handle) -> Resource<Answer> {
    Resource::new_borrow(handle.rep())
}

impl Answer {
    fn come(&mut self, found: Result<Vec<IpAddr>, LookupError>) {
        *self = Self::Come(found.map(IntoIterator::into_iter));
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Answer {
    async fn ready(&mut self) {
        if let Self::Awaited(looking) = self {
            let found = looking.await;
            self.come(found);
        }
    }
}

impl ip_name_lookup::Host for Guest {
    fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> SocketResult<Handle> {
        // Holding one is what allows to ask at all.
        self.table.get(&network)?;
        let looking = self.sockets.checks.look_up(&name)?;
        let answer = self.table.push(Answer::Awaited(spawn(looking)))?;
        Ok(Resource::new_own(answer.rep()))
    }
}

impl ip_name_lookup::HostResolveAddressStream for Guest {
    fn resolve_next_address(&mut self, this: Handle) -> SocketResult<Option<IpAddress>> {
        let answer = self.table.get_mut(&ours(&this))?;
        if let Answer::Awaited(looking) = answer {
            let Some(found) = looking.now_or_never() else {
                return Err(ErrorCode::WouldBlock.into());
            };
            answer.come(found);
        }
        match answer {
            Answer::Come(Ok(addresses)) => Ok(addresses.next().map(IpAddress::from)),
            Answer::Come(Err(error)) => Err((*error).into()),
            Answer::Awaited(_) => Err(ErrorCode::WouldBlock.into()),
        }
    }

    fn subscribe(&mut self, this: Handle) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(&mut self.table, ours(&this))
    }

    fn drop(&mut self, this: Handle) -> wasmtime::Result<()> {
        self.table.delete(Resource::<Answer>::new_own(this.rep()))?;
        Ok(())
    }
}

impl From<NoSocket> for SocketError {
    fn from(why: NoSocket) -> Self {
        match why {
            NoSocket::Denied => ErrorCode::AccessDenied.into(),
            NoSocket::TooMany => ErrorCode::NewSocketLimit.into(),
        }
    }
}

impl From<Revoked> for SocketError {
    fn from(_: Revoked) -> Self {
        ErrorCode::AccessDenied.into()
    }
}

impl From<UsedUp> for SocketError {
    fn from(_: UsedUp) -> Self {
        // The nearest that 0.2 has a word for; the log names the limit.
        ErrorCode::OutOfMemory.into()
    }
}

impl From<LookupError> for SocketError {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Denied => ErrorCode::AccessDenied.into(),
            LookupError::NoName => ErrorCode::InvalidArgument.into(),
            LookupError::Unknown => ErrorCode::NameUnresolvable.into(),
        }
    }
}
