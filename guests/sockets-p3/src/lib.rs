//! Does with sockets what a script says, by `wasi:sockets@0.3`.

#[path = "../../sockets/src/script.rs"]
mod script;

use std::net::{IpAddr, SocketAddr};

wit_bindgen::generate!({ path: "wit", world: "sockets", generate_all });

use script::Answer;
use wasi::sockets::ip_name_lookup::resolve_addresses;
use wasi::sockets::types::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
    TcpSocket, UdpSocket,
};
use wit_bindgen::rt::async_support::StreamReader;

struct Sockets;

export!(Sockets);

impl Guest for Sockets {
    async fn run(script: String) -> String {
        script::run(&Sockets, &script).await
    }
}

struct Listener {
    connections: StreamReader<TcpSocket>,
    _socket: Option<TcpSocket>,
}

impl script::Net for Sockets {
    type Tcp = TcpSocket;
    type Stream = StreamReader<u8>;
    type Listener = Listener;
    type Udp = UdpSocket;

    async fn connect(&self, to: SocketAddr) -> Answer<TcpSocket> {
        let socket = TcpSocket::create(family(to)).map_err(named)?;
        socket.connect(wasi(to)).await.map_err(named)?;
        Ok(socket)
    }

    async fn exchange(&self, tcp: &TcpSocket, text: &str) -> Answer<String> {
        let (mut writer, reader) = wit_stream::new();
        let sent = tcp.send(reader);
        writer.write_all(text.into()).await;
        drop(writer);
        sent.await.map_err(named)?;
        let (stream, received) = tcp.receive();
        let bytes = stream.collect().await;
        received.await.map_err(named)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn stream(&self, tcp: TcpSocket) -> StreamReader<u8> {
        let (stream, _received) = tcp.receive();
        stream
    }

    async fn listen(&self, at: SocketAddr) -> Answer<Listener> {
        let socket = TcpSocket::create(family(at)).map_err(named)?;
        socket.bind(wasi(at)).map_err(named)?;
        let connections = socket.listen().map_err(named)?;
        Ok(Listener { connections, _socket: Some(socket) })
    }

    fn port(&self, listener: Listener) -> Listener {
        Listener { _socket: None, ..listener }
    }

    async fn accept(&self, listener: &mut Listener) -> Answer<TcpSocket> {
        listener.connections.next().await.ok_or_else(|| "it listens no more".into())
    }

    async fn udp(&self, at: SocketAddr) -> Answer<UdpSocket> {
        let socket = UdpSocket::create(family(at)).map_err(named)?;
        socket.bind(wasi(at)).map_err(named)?;
        Ok(socket)
    }

    async fn send(&self, udp: &UdpSocket, to: SocketAddr, text: &str) -> Answer<()> {
        udp.send(text.into(), Some(wasi(to))).await.map_err(named)
    }

    async fn receive(&self, udp: &UdpSocket) -> Answer<String> {
        let (bytes, _from) = udp.receive().await.map_err(named)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn resolve(&self, name: &str) -> Answer<Vec<IpAddr>> {
        let found = resolve_addresses(name.into()).await;
        let found = found.map_err(|error| kebab(&format!("{error:?}")))?;
        let plain = |address| match address {
            IpAddress::Ipv4((a, b, c, d)) => IpAddr::from([a, b, c, d]),
            IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => IpAddr::from([a, b, c, d, e, f, g, h]),
        };
        Ok(found.into_iter().map(plain).collect())
    }
}

fn family(address: SocketAddr) -> IpAddressFamily {
    if address.is_ipv4() { IpAddressFamily::Ipv4 } else { IpAddressFamily::Ipv6 }
}

fn wasi(address: SocketAddr) -> IpSocketAddress {
    let port = address.port();
    match address.ip() {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address: (a, b, c, d) })
        }
        IpAddr::V6(ip) => {
            let [a, b, c, d, e, f, g, h] = ip.segments();
            let address = (a, b, c, d, e, f, g, h);
            let (flow_info, scope_id) = (0, 0);
            IpSocketAddress::Ipv6(Ipv6SocketAddress { port, flow_info, address, scope_id })
        }
    }
}

/// What the error itself says, where it does.
fn named(error: ErrorCode) -> String {
    match error {
        ErrorCode::Other(Some(said)) => said,
        error => kebab(&format!("{error:?}")),
    }
}

/// `ErrorCode::AccessDenied` as `access-denied`.
fn kebab(error: &str) -> String {
    let mut kebab = String::new();
    for letter in error.replace("ErrorCode::", "").chars() {
        if letter.is_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}
