//! The rights of a revision: what its manifest asks for and its operator grants, both.

use std::net::IpAddr;

use super::access::{DataAccess, TopicAccess};
use super::address::is_inside;
use super::asked::Asked;
use super::blobstore::BlobstoreAsk;
use super::decision::Decision;
use super::directories::Directories;
use super::dns::{DnsAsk, DnsRights};
use super::env::{EnvAsk, EnvRight};
use super::files::FilesAsk;
use super::gate;
use super::grant::{Grant, GrantError};
use super::grants::Grants;
use super::http::{HttpAsk, HttpRight};
use super::keyvalue::KeyvalueAsk;
use super::listen::{ListenAsk, ListenRights};
use super::meeting::Meeting;
use super::messaging::MessagingAsk;
use super::missing::{MissingGrant, RightsError};
use super::net::{NetAsk, NetRights};
use super::process::{ProcessAsk, ProcessRights};
use super::scope::ScopeRights;
use super::secrets::{SecretAsk, SecretRights};
use super::services::{ServiceAsk, ServiceRights};

/// What a revision may do, ready for checks that allocate nothing. [`Rights::default`] is the empty set: no
/// file, no host, no name, no port, no variable, no secret, no bucket, no topic, no service, no program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// Directories, with what may be done with each file below them.
    pub directories: Directories,
    /// Requests that may leave.
    pub http: Vec<HttpRight>,
    /// Connections that may leave.
    pub net: NetRights,
    /// Names that may be looked up.
    pub dns: DnsRights,
    /// Ports that may be listened on.
    pub listen: ListenRights,
    /// Variables to set.
    pub env: Vec<EnvRight>,
    /// Secrets that may be used or seen.
    pub secrets: SecretRights,
    /// Buckets.
    pub keyvalue: ScopeRights<DataAccess>,
    /// Containers.
    pub blobstore: ScopeRights<DataAccess>,
    /// Topics.
    pub messaging: ScopeRights<TopicAccess>,
    /// Services that may be called.
    pub services: ServiceRights,
    /// Programs that may be run.
    pub process: ProcessRights,
}

impl Rights {
    /// What both sides agree on.
    ///
    /// An ask that no grant touches is an error, and so is a grant that touches no ask: both are more
    /// often a slip than a wish. A grant narrower than its ask narrows the right. Where the manifest is
    /// silent because there is none ([`Asked::unstated`]), the grants alone decide.
    pub fn intersect(asked: &Asked, grants: &Grants) -> Result<Self, RightsError> {
        enforced(asked, grants)?;
        Self::meet(asked, grants)
    }

    /// What is granted of what is asked. An ask that no grant touches is no error here, and no right either: for
    /// whoever tries a part of what a component does.
    pub fn granted(asked: &Asked, grants: &Grants) -> Result<Self, RightsError> {
        enforced(asked, grants)?;
        Ok(Meetings::of(asked, grants)?.rights())
    }

    /// What both sides agreed on once and the operator still allows. What does not fit, or is no longer allowed, is left
    /// out of the rights, and is no error: a revocation takes away and stops nothing, and a grant that an earlier version
    /// took, though it allows nothing of what is asked, is worth nothing and stops nothing either.
    pub fn intersect3(
        asked: &Asked,
        granted: &Grants,
        still_allowed: &Grants,
    ) -> Result<Self, RightsError> {
        enforced(asked, granted)?;
        Ok(Self::meet3(asked, granted, still_allowed))
    }

    /// The grants that allow nothing of what is asked.
    pub fn idle(asked: &Asked, grants: &Grants) -> Grants {
        let mut meetings = Meetings::new(asked);
        Grants(grants.0.iter().filter(|grant| !meetings.add(grant)).cloned().collect())
    }

    /// [`Rights::intersect`] for every kind, enforced or not.
    pub(super) fn meet(asked: &Asked, grants: &Grants) -> Result<Self, RightsError> {
        let meetings = Meetings::of(asked, grants)?;
        let missing = meetings.missing();
        if missing.is_empty() { Ok(meetings.rights()) } else { Err(RightsError::Missing(missing)) }
    }

    /// [`Rights::intersect3`] for every kind, enforced or not.
    pub(super) fn meet3(asked: &Asked, granted: &Grants, still_allowed: &Grants) -> Self {
        let mut meetings = Meetings::new(asked);
        for grant in &granted.meet(still_allowed).0 {
            meetings.add(grant);
        }
        meetings.rights()
    }

    /// The grants that touch something asked: what an update keeps of its predecessor's, where it gave up what
    /// some of them were for.
    pub fn still_asked(asked: &Asked, grants: &Grants) -> Grants {
        let mut grants = grants.clone();
        while let Err(RightsError::Unasked(unasked)) = Self::intersect(asked, &grants) {
            grants.0.retain(|grant| *grant != unasked);
        }
        grants
    }

    /// Whether a grant of this would allow anything that is asked.
    pub(super) fn is_asked(asked: &Asked, grant: &Grant) -> bool {
        Meetings::new(asked).add(grant)
    }

    /// Whether a guest may look the name up: by a grant of the lookup, or by one to connect to hosts of that name,
    /// which nobody can without.
    pub fn look_up(&self, name: &str) -> Decision {
        if self.net.names(name) { Decision::Allowed } else { self.dns.check(name) }
    }

    /// Whether an address that the name was looked up to is told to the guest. One inside this network is told
    /// where a grant of the address itself lets it be used; any other one where the lookup was granted, or some
    /// use of the address is.
    pub fn answer(&self, name: &str, address: IpAddr) -> Decision {
        match self.net.reaches(address, name) {
            Decision::Allowed => Decision::Allowed,
            _ if is_inside(address) => Decision::InsideAddress,
            _ => self.dns.check(name),
        }
    }

    /// The right under which this request may leave, if there is one.
    pub fn http(
        &self,
        method: &str,
        host: &str,
        port: u16,
        default_port: u16,
        path: &str,
    ) -> Option<&HttpRight> {
        let fits = |right: &&HttpRight| right.allows(method, host, port, default_port, path);
        let mut fitting = self.http.iter().filter(fits);
        let first = fitting.next()?;
        // What a literal address grants, private addresses among it, no broader grant takes away.
        let literal = |right: &&HttpRight| right.granted.is_literal_address();
        if literal(&first) { Some(first) } else { fitting.find(literal).or(Some(first)) }
    }
}

fn enforced(asked: &Asked, grants: &Grants) -> Result<(), RightsError> {
    gate::asks(asked)?;
    grants.0.iter().try_for_each(gate::grant).map_err(|error| match error {
        GrantError::Unenforced { kind } => RightsError::Unenforced { kind },
        other => RightsError::Unenforced { kind: other.to_string() },
    })
}

/// Each kind's asks while the grants come by.
struct Meetings<'a> {
    files: Meeting<'a, FilesAsk>,
    http: Meeting<'a, HttpAsk>,
    net: Meeting<'a, NetAsk>,
    dns: Meeting<'a, DnsAsk>,
    listen: Meeting<'a, ListenAsk>,
    env: Meeting<'a, EnvAsk>,
    secrets: Meeting<'a, SecretAsk>,
    keyvalue: Meeting<'a, KeyvalueAsk>,
    blobstore: Meeting<'a, BlobstoreAsk>,
    messaging: Meeting<'a, MessagingAsk>,
    services: Meeting<'a, ServiceAsk>,
    process: Meeting<'a, ProcessAsk>,
}

impl<'a> Meetings<'a> {
    fn new(asked: &'a Asked) -> Self {
        let unstated = asked.unstated;
        Self {
            files: Meeting::new(&asked.files, unstated),
            http: Meeting::new(&asked.http, unstated),
            net: Meeting::new(&asked.net, unstated),
            dns: Meeting::new(&asked.dns, unstated),
            listen: Meeting::new(&asked.listen, unstated),
            env: Meeting::new(&asked.env, unstated),
            secrets: Meeting::new(&asked.secrets, unstated),
            keyvalue: Meeting::new(&asked.keyvalue, unstated),
            blobstore: Meeting::new(&asked.blobstore, unstated),
            messaging: Meeting::new(&asked.messaging, unstated),
            services: Meeting::new(&asked.services, unstated),
            process: Meeting::new(&asked.process, unstated),
        }
    }

    /// After all of the grants; an error where one of them allows nothing that is asked.
    fn of(asked: &'a Asked, grants: &Grants) -> Result<Self, RightsError> {
        let mut meetings = Self::new(asked);
        match grants.0.iter().find(|grant| !meetings.add(grant)) {
            Some(unasked) => Err(RightsError::Unasked(unasked.clone())),
            None => Ok(meetings),
        }
    }

    /// Whether the grant allows anything that is asked.
    fn add(&mut self, grant: &Grant) -> bool {
        match grant {
            Grant::Files(grant) => self.files.add(grant),
            Grant::Http(grant) => self.http.add(grant),
            Grant::Net(grant) => self.net.add(grant),
            Grant::Dns(grant) => self.dns.add(grant),
            Grant::Listen(grant) => self.listen.add(grant),
            Grant::Env(grant) => self.env.add(grant),
            Grant::Secrets(grant) => self.secrets.add(grant),
            Grant::Keyvalue(grant) => self.keyvalue.add(grant),
            Grant::Blobstore(grant) => self.blobstore.add(grant),
            Grant::Messaging(grant) => self.messaging.add(grant),
            Grant::Services(grant) => self.services.add(grant),
            Grant::Process(grant) => self.process.add(grant),
        }
    }

    fn missing(&self) -> Vec<MissingGrant> {
        let mut all: Vec<_> = self.files.missing().collect();
        all.extend(self.http.missing());
        all.extend(self.net.missing());
        all.extend(self.dns.missing());
        all.extend(self.listen.missing());
        all.extend(self.env.missing());
        all.extend(self.secrets.missing());
        all.extend(self.keyvalue.missing());
        all.extend(self.blobstore.missing());
        all.extend(self.messaging.missing());
        all.extend(self.services.missing());
        all.extend(self.process.missing());
        all
    }

    fn rights(self) -> Rights {
        Rights {
            directories: Directories::compile(&self.files.rights),
            http: self.http.rights,
            net: NetRights::compile(self.net.rights),
            dns: DnsRights::compile(self.dns.rights),
            listen: ListenRights::compile(self.listen.rights),
            env: self.env.rights,
            secrets: SecretRights::compile(self.secrets.rights),
            keyvalue: ScopeRights::compile(self.keyvalue.rights),
            blobstore: ScopeRights::compile(self.blobstore.rights),
            messaging: ScopeRights::compile(self.messaging.rights),
            services: ServiceRights::compile(self.services.rights),
            process: ProcessRights::compile(self.process.rights),
        }
    }
}
