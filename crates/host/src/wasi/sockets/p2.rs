//! `wasi:sockets@0.2`: sockets are counted, names are looked up as rights allow; the rest is the runtime's.

use std::net::IpAddr;
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

use super::delegate::delegate;
use super::held::NoSocket;
use super::names::LookupError;
use crate::guest::Guest;

type Accepted = (Resource<TcpSocket>, Resource<DynInputStream>, Resource<DynOutputStream>);
type Streams = (Resource<DynInputStream>, Resource<DynOutputStream>);
type Datagrams = (Resource<udp::IncomingDatagramStream>, Resource<udp::OutgoingDatagramStream>);

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
        self.sockets.keep(socket.rep(), place);
        Ok(socket)
    }
}

impl udp_create_socket::Host for Guest {
    async fn create_udp_socket(
        &mut self,
        family: IpAddressFamily,
    ) -> SocketResult<Resource<UdpSocket>> {
        let place = self.sockets.open(Protocol::Udp)?;
        let socket =
            udp_create_socket::Host::create_udp_socket(&mut self.sockets(), family).await?;
        self.sockets.keep(socket.rep(), place);
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
        tcp::HostTcpSocket::start_listen(&mut self.sockets(), this).await
    }

    fn drop(&mut self, this: Resource<TcpSocket>) -> wasmtime::Result<()> {
        let number = this.rep();
        tcp::HostTcpSocket::drop(&mut self.sockets(), this)?;
        self.sockets.forget(number);
        Ok(())
    }

    delegate! { tcp::HostTcpSocket:
        fn finish_bind(this: TcpSocket) -> SocketResult<()>;
        fn start_connect(
            this: TcpSocket, network: Resource<Network>, remote: IpSocketAddress
        ) -> SocketResult<()>;
        fn finish_connect(this: TcpSocket) -> SocketResult<Streams>;
        fn finish_listen(this: TcpSocket) -> SocketResult<()>;
        fn accept(this: TcpSocket) -> SocketResult<Accepted>;
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
        fn subscribe(this: TcpSocket) -> wasmtime::Result<Resource<DynPollable>>;
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
        udp::HostUdpSocket::start_bind(&mut self.sockets(), this, network, local).await
    }

    async fn stream(
        &mut self,
        this: Resource<UdpSocket>,
        remote: Option<IpSocketAddress>,
    ) -> SocketResult<Datagrams> {
        udp::HostUdpSocket::stream(&mut self.sockets(), this, remote).await
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
        fn subscribe(this: UdpSocket) -> wasmtime::Result<Resource<DynPollable>>;
    }
}

impl udp::HostIncomingDatagramStream for Guest {
    delegate! { udp::HostIncomingDatagramStream:
        fn receive(
            this: udp::IncomingDatagramStream, most: u64
        ) -> SocketResult<Vec<udp::IncomingDatagram>>;
        fn subscribe(this: udp::IncomingDatagramStream) -> wasmtime::Result<Resource<DynPollable>>;
        fn drop(this: udp::IncomingDatagramStream) -> wasmtime::Result<()>;
    }
}

impl udp::HostOutgoingDatagramStream for Guest {
    async fn drop(&mut self, this: Resource<udp::OutgoingDatagramStream>) -> wasmtime::Result<()> {
        udp::HostOutgoingDatagramStream::drop(&mut self.sockets(), this).await
    }

    delegate! { udp::HostOutgoingDatagramStream:
        fn check_send(this: udp::OutgoingDatagramStream) -> SocketResult<u64>;
        fn send(
            this: udp::OutgoingDatagramStream, datagrams: Vec<udp::OutgoingDatagram>
        ) -> SocketResult<u64>;
        fn subscribe(this: udp::OutgoingDatagramStream) -> wasmtime::Result<Resource<DynPollable>>;
    }
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

impl From<LookupError> for SocketError {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Denied => ErrorCode::AccessDenied.into(),
            LookupError::NoName => ErrorCode::InvalidArgument.into(),
            LookupError::Unknown => ErrorCode::NameUnresolvable.into(),
        }
    }
}
