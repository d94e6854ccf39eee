//! What a check answers, and what a denial says.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::access::{FileAccess, join};
use super::asked::Asked;
use super::destination::Protocol;
use super::kind::Kind;
use super::listen::ListenGrant;
use super::suggest::Use;
use crate::name::Name;

/// What a check answers. It is a word, so that a check costs no allocation; a [`Denial`] is made of it where
/// somebody is to read it.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Go ahead.
    Allowed,
    /// Nothing that was asked and granted allows it.
    NotGranted,
    /// The name is allowed, but it leads to an address inside this network, which only a grant of the
    /// address itself reaches.
    InsideAddress,
}

impl Decision {
    /// Whether to go ahead.
    pub fn is_allowed(self) -> bool {
        self == Self::Allowed
    }

    pub(super) fn when(allowed: bool) -> Self {
        if allowed { Self::Allowed } else { Self::NotGranted }
    }
}

/// A use that was denied, and the grant that would allow it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Denial {
    /// Who tried.
    pub component: Name,
    /// Of which kind.
    pub kind: Kind,
    /// What it tried to do with the target, as after "may not".
    pub act: String,
    /// The file, host, bucket, … that it tried to use.
    pub target: String,
    /// The least grant that would allow it, `HOST_DIRECTORY` standing where the operator must choose.
    pub grant: String,
    /// Whether the component asks for it: if not, it has to before a grant is worth anything.
    pub is_asked: bool,
}

impl Denial {
    /// A denial of any kind: `act` as after "may not", `scope` what stands behind the kind in a grant.
    pub fn new(component: &Name, kind: Kind, act: &str, target: &str, scope: &str) -> Self {
        Self {
            component: component.clone(),
            kind,
            act: act.to_owned(),
            target: target.to_owned(),
            grant: format!("{kind}:{scope}"),
            is_asked: true,
        }
    }

    /// The same of a component that asks for this.
    #[must_use]
    pub fn where_asked(mut self, asked: &Asked) -> Self {
        let scope = self.grant.split_once(':').map_or("", |(_, scope)| scope);
        self.is_asked = asked.asks_for(&Use::tried(self.kind, &self.act, &self.target, scope));
        self
    }

    /// What would allow it: a sentence to do.
    pub fn help(&self) -> String {
        match self.is_asked {
            true => format!("grant `{}`", self.grant),
            false => format!("{ASK_FIRST}grant `{}`", self.grant),
        }
    }

    /// Of a file, by the path as the guest sees it.
    pub fn file(component: &Name, path: &str, access: FileAccess) -> Self {
        let words = join(&access.words());
        let scope = format!("HOST_DIRECTORY={path}:{words}");
        let act = words.replace(',', " and ");
        Self::new(component, Kind::Files, &act, path, &scope)
    }

    /// Of a connection to an address, by the name it was looked up under where that name is what to
    /// grant: for an address inside this network it is the address.
    pub fn net(
        component: &Name,
        decision: Decision,
        protocol: Protocol,
        address: SocketAddr,
        resolved_from: Option<&str>,
    ) -> Self {
        let (port, suffix) = (address.port(), protocol.suffix());
        let address = SocketAddr::new(address.ip().to_canonical(), port);
        let name = resolved_from.filter(|_| decision != Decision::InsideAddress);
        let target = name.map_or_else(|| address.to_string(), |name| format!("{name}:{port}"));
        Self::new(component, Kind::Net, "reach", &target, &format!("{target}{suffix}"))
    }

    /// Of a request: `authority` is its host, with the port where it is not the scheme's own.
    pub fn http(component: &Name, method: &str, authority: &str, path: &str) -> Self {
        let target = format!("{authority}{path}");
        Self::new(component, Kind::Http, &format!("send {method} to"), &target, authority)
    }

    /// Of a call of a service, or of one of its functions.
    pub fn call(component: &Name, service: &Name, function: Option<&str>) -> Self {
        let target = match function {
            None => service.to_string(),
            Some(function) => format!("{service}#{function}"),
        };
        Self::new(component, Kind::Services, "call the service", &target, &target)
    }

    /// Of looking a name up.
    pub fn dns(component: &Name, name: &str) -> Self {
        Self::new(component, Kind::Dns, "look up", name, name)
    }

    /// Of a socket that could be used for nothing.
    pub fn sockets(component: &Name, protocol: Protocol) -> Self {
        let (what, grant) = match protocol {
            Protocol::Tcp => ("a TCP socket", "HOST:PORT"),
            Protocol::Udp => ("a UDP socket", "HOST:PORT/udp"),
        };
        Self::new(component, Kind::Net, "open", what, grant)
    }

    /// Of accepting connections or datagrams.
    pub fn listen(component: &Name, protocol: Protocol, at: SocketAddr) -> Self {
        let target = ListenGrant::at(protocol, at).to_string();
        Self::new(component, Kind::Listen, "listen on", &target, &target)
    }
}

/// What stands before the grant where that alone would not help.
const ASK_FIRST: &str = "ask for it in the manifest, then ";

impl Use {
    /// What was tried, by the words of its denial: `scope` is what stands behind the kind in the grant that it names.
    pub fn tried(kind: Kind, act: &str, target: &str, scope: &str) -> Self {
        let access = || scope.rsplit_once(':').map_or("", |(_, access)| access);
        let (target, access) = match kind {
            Kind::Http => (target, act.split(' ').nth(1).unwrap_or_default()),
            Kind::Files | Kind::Keyvalue | Kind::Blobstore | Kind::Messaging => (target, access()),
            _ => (scope, ""),
        };
        Self { kind, target: target.to_owned(), access: access.to_owned(), count: 1 }
    }

    /// The same from what a trail has: the act, and the help behind it.
    pub fn read_tried(kind: Kind, target: &str, detail: &str) -> Option<Self> {
        let (act, help) = detail.split_once("; ")?;
        let grant = help.strip_prefix(ASK_FIRST).unwrap_or(help).strip_prefix("grant `")?;
        let (_, scope) = grant.trim_end_matches('`').split_once(':')?;
        Some(Self::tried(kind, act, target, scope))
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { component, act, target, .. } = self;
        write!(f, "component `{component}` may not {act} `{target}`; {}", self.help())
    }
}
