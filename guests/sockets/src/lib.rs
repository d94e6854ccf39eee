//! Does with sockets what a script says, by `wasi:sockets@0.2`.

mod script;

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use script::Answer;
use wasip2::io::streams::{InputStream, OutputStream};
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
};
use wasip2::sockets::tcp::TcpSocket;
use wasip2::sockets::tcp_create_socket::create_tcp_socket;
use wasip2::sockets::udp::{
    IncomingDatagramStream, OutgoingDatagram, OutgoingDatagramStream, UdpSocket,
};
use wasip2::sockets::udp_create_socket::create_udp_socket;

wit_bindgen::generate!({ path: "wit", world: "sockets" });

struct Sockets;

export!(Sockets);

impl Guest for Sockets {
    fn run(script: String) -> String {
        // Nothing in 0.2 waits but by blocking.
        match pin!(script::run(&Sockets, &script)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answers) => answers,
            Poll::Pending => unreachable!("a call of 0.2 waited"),
        }
    }
}

/// A connection. Its streams go before it does.
struct Tcp {
    input: InputStream,
    output: OutputStream,
    _socket: TcpSocket,
}

struct Udp {
    incoming: IncomingDatagramStream,
    outgoing: OutgoingDatagramStream,
    _socket: UdpSocket,
}

/// Tries until it need not wait.
fn ready<T>(mut attempt: impl FnMut() -> Result<T, ErrorCode>, wait: impl Fn()) -> Answer<T> {
    loop {
        match attempt() {
            Err(ErrorCode::WouldBlock) => wait(),
            done => return done.map_err(named),
        }
    }
}

impl script::Net for Sockets {
    type Tcp = Tcp;
    type Stream = Tcp;
    type Listener = TcpSocket;
    type Udp = Udp;

    async fn connect(&self, to: SocketAddr) -> Answer<Tcp> {
        let socket = create_tcp_socket(family(to)).map_err(named)?;
        socket.start_connect(&instance_network(), wasi(to)).map_err(named)?;
        let (input, output) = ready(|| socket.finish_connect(), || socket.subscribe().block())?;
        Ok(Tcp { input, output, _socket: socket })
    }

    async fn exchange(&self, tcp: &Tcp, text: &str) -> Answer<String> {
        let sent = tcp.output.blocking_write_and_flush(text.as_bytes());
        sent.map_err(|error| format!("{error:?}"))?;
        let read = tcp.input.blocking_read(1 << 16).map_err(|error| format!("{error:?}"))?;
        Ok(String::from_utf8_lossy(&read).into_owned())
    }

    fn stream(&self, tcp: Tcp) -> Tcp {
        tcp
    }

    async fn listen(&self, at: SocketAddr) -> Answer<TcpSocket> {
        let socket = create_tcp_socket(family(at)).map_err(named)?;
        socket.start_bind(&instance_network(), wasi(at)).map_err(named)?;
        ready(|| socket.finish_bind(), || socket.subscribe().block())?;
        socket.start_listen().map_err(named)?;
        ready(|| socket.finish_listen(), || socket.subscribe().block())?;
        Ok(socket)
    }

    fn port(&self, listener: TcpSocket) -> TcpSocket {
        listener
    }

    async fn accept(&self, listener: &mut TcpSocket) -> Answer<Tcp> {
        let (socket, input, output) = ready(|| listener.accept(), || listener.subscribe().block())?;
        Ok(Tcp { input, output, _socket: socket })
    }

    async fn udp(&self, at: SocketAddr) -> Answer<Udp> {
        let socket = create_udp_socket(family(at)).map_err(named)?;
        socket.start_bind(&instance_network(), wasi(at)).map_err(named)?;
        ready(|| socket.finish_bind(), || socket.subscribe().block())?;
        let (incoming, outgoing) = socket.stream(None).map_err(named)?;
        Ok(Udp { incoming, outgoing, _socket: socket })
    }

    async fn send(&self, udp: &Udp, to: SocketAddr, text: &str) -> Answer<()> {
        while udp.outgoing.check_send().map_err(named)? == 0 {
            udp.outgoing.subscribe().block();
        }
        let datagram = OutgoingDatagram { data: text.into(), remote_address: Some(wasi(to)) };
        udp.outgoing.send(&[datagram]).map(drop).map_err(named)
    }

    async fn receive(&self, udp: &Udp) -> Answer<String> {
        loop {
            if let Some(datagram) = udp.incoming.receive(1).map_err(named)?.pop() {
                return Ok(String::from_utf8_lossy(&datagram.data).into_owned());
            }
            udp.incoming.subscribe().block();
        }
    }

    async fn resolve(&self, name: &str) -> Answer<Vec<IpAddr>> {
        let found = resolve_addresses(&instance_network(), name).map_err(named)?;
        let mut addresses = Vec::new();
        while let Some(address) =
            ready(|| found.resolve_next_address(), || found.subscribe().block())?
        {
            addresses.push(match address {
                IpAddress::Ipv4((a, b, c, d)) => IpAddr::from([a, b, c, d]),
                IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => IpAddr::from([a, b, c, d, e, f, g, h]),
            });
        }
        Ok(addresses)
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

fn named(error: ErrorCode) -> String {
    error.name().to_owned()
}
