//! What a component asks the operator for.

/// One thing a component needs that nobody has unless it is granted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Capability {
    /// To read below this directory, as the component sees it.
    FileRead(String),
    /// To write, create, rename and delete below this directory, as the component sees it.
    FileWrite(String),
    /// To send HTTP requests to this host; `*.example.com` is every name below it.
    NetworkOutbound(String),
    /// To see the environment variable of this name.
    Environment(String),
}

impl Capability {
    /// The same with the reason that the operator reads when asked to grant it.
    pub fn because(self, reason: impl Into<String>) -> AskedCapability {
        AskedCapability { capability: self, reason: Some(reason.into()) }
    }
}

/// A capability and why it is asked for. `#[component_capabilities]` may return these, or plain
/// [`Capability`] values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AskedCapability {
    /// What.
    pub capability: Capability,
    /// Why.
    pub reason: Option<String>,
}

impl From<Capability> for AskedCapability {
    fn from(capability: Capability) -> Self {
        Self { capability, reason: None }
    }
}
