//! A request in Cedar's terms: entities with their attributes, and a context.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use airssys_wasm_model::{Name, ReleaseRef, Signer};
use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression, Schema,
};

use crate::VOCABULARY;
use crate::act::Act;
use crate::principal::{Principal, Who};
use crate::recording::CALL_UNRECORDED;
use crate::request::Request;
use crate::subject::{Release, Service, Subject};

/// The vocabulary, read once: it ships with the crate, and a test reads it.
pub(crate) static SCHEMA: LazyLock<Schema> =
    LazyLock::new(|| VOCABULARY.parse().expect("the vocabulary that ships with the crate"));

// Read once, because Cedar runs its whole parser to read a type's name.
static ACTION: Kind = LazyLock::new(|| kind("Action"));
static NODE: Kind = LazyLock::new(|| kind("Node"));
static RELEASE: Kind = LazyLock::new(|| kind("Release"));
static ROLE: Kind = LazyLock::new(|| kind("Role"));
static SERVICE: Kind = LazyLock::new(|| kind("Service"));
static TOKEN: Kind = LazyLock::new(|| kind("Token"));
static USER: Kind = LazyLock::new(|| kind("User"));

type Kind = LazyLock<EntityTypeName>;

/// What Cedar decides about.
pub(crate) struct Question {
    pub(crate) request: cedar_policy::Request,
    pub(crate) entities: Entities,
}

type Attributes = HashMap<String, RestrictedExpression>;

impl Question {
    /// Puts a request in Cedar's terms. `None` when Cedar refuses it, which its types leave no room for; the
    /// caller denies then.
    ///
    /// Only the entities that the request names are built, with all their ancestors, so that the cost of a
    /// decision does not grow with what the node holds.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        let mut entities = vec![principal(request.principal())?, action(request.act())];
        let node = entity(uid(&NODE, request.node().as_str()), named(request.node()), [])?;
        let node_uid = node.uid();
        entities.push(node);
        let mut context = circumstances(request);
        let resource = describe(request.subject(), &node_uid, &mut entities, &mut context)?;
        let context = Context::from_pairs(context).ok()?;
        let principal = entities.first()?.uid();
        let action = action_uid(request.act().name());
        let request =
            cedar_policy::Request::new(principal, action, resource, context, None).ok()?;
        Some(Self { request, entities: Entities::from_entities(entities, None).ok()? })
    }
}

impl Question {
    /// Whether calls of a service may go unrecorded, in Cedar's terms. Nobody asks it but the node itself.
    pub(crate) fn of_recording(of: &Service) -> Option<Self> {
        let name = "local".parse().expect("a literal name");
        let node = entity(uid(&NODE, "local"), named(&name), [])?;
        let act = Entity::new_no_attrs(action_uid(CALL_UNRECORDED), HashSet::new());
        let (principal, action) = (node.uid(), act.uid());
        let of = service(of, &principal)?;
        let resource = of.uid();
        let context = Context::empty();
        let request =
            cedar_policy::Request::new(principal, action, resource, context, None).ok()?;
        Some(Self { request, entities: Entities::from_entities([node, act, of], None).ok()? })
    }
}

/// An act or a group as an entity.
pub(crate) fn action_uid(name: &str) -> EntityUid {
    uid(&ACTION, name)
}

/// Adds what the subject is to the entities and the context, and gives the resource.
fn describe(
    subject: &Subject,
    node: &EntityUid,
    entities: &mut Vec<Entity>,
    context: &mut Attributes,
) -> Option<EntityUid> {
    let mut add = |entity: Option<Entity>| {
        let entity = entity?;
        let uid = entity.uid();
        entities.push(entity);
        Some(uid)
    };
    match subject {
        Subject::Node => Some(node.clone()),
        Subject::Service(found) => add(service(found, node)),
        Subject::Release(found) => add(release(found, node)),
        Subject::Rollout(found, candidate) => {
            let candidate = add(release(candidate, node))?;
            context.insert("release".to_owned(), RestrictedExpression::new_entity_uid(candidate));
            add(service(found, node))
        }
        Subject::Grant(found, capability) => {
            context.insert("kind".to_owned(), text(&capability.kind));
            context.insert("target".to_owned(), text(&capability.target));
            let wildcard = RestrictedExpression::new_bool(capability.is_wildcard());
            context.insert("wildcard".to_owned(), wildcard);
            insert_some(context, "host", capability.host.as_deref().map(text));
            let port = capability.port.map(|port| RestrictedExpression::new_long(port.into()));
            insert_some(context, "port", port);
            insert_some(context, "path", capability.path.as_deref().map(text));
            let access = capability.access.iter().map(|word| text(word));
            context.insert("access".to_owned(), RestrictedExpression::new_set(access));
            add(service(found, node))
        }
        Subject::Secret(name) => {
            context.insert("secret".to_owned(), text(name));
            Some(node.clone())
        }
        Subject::Token { name, roles } => {
            context.insert("token".to_owned(), text(name.as_str()));
            let roles =
                roles.iter().map(|role| RestrictedExpression::new_entity_uid(role_uid(role)));
            context.insert("roles".to_owned(), RestrictedExpression::new_set(roles));
            Some(node.clone())
        }
    }
}

fn principal(principal: &Principal) -> Option<Entity> {
    let mut attributes = HashMap::from([("name".to_owned(), text(principal.name()))]);
    let kind: &EntityTypeName = match principal.who() {
        Who::User(_) => &USER,
        Who::Token { expires, .. } => {
            insert_some(&mut attributes, "expires", expires.map(moment));
            &TOKEN
        }
    };
    entity(uid(kind, principal.name()), attributes, principal.roles().iter().map(role_uid))
}

fn action(act: Act) -> Entity {
    let groups = act.group().map(|group| action_uid(group.name()));
    Entity::new_no_attrs(action_uid(act.name()), groups.into_iter().collect())
}

fn service(service: &Service, node: &EntityUid) -> Option<Entity> {
    let mut attributes = named(&service.name);
    sign(&mut attributes, &service.signers);
    entity(uid(&SERVICE, service.name.as_str()), attributes, [node.clone()])
}

fn release(release: &Release, node: &EntityUid) -> Option<Entity> {
    let ReleaseRef { name, version } = &release.release;
    let mut attributes = named(name);
    attributes.insert("version".to_owned(), text(&version.to_string()));
    sign(&mut attributes, &release.signers);
    let parents = [uid(&SERVICE, name.as_str()), node.clone()];
    entity(uid(&RELEASE, &release.release.to_string()), attributes, parents)
}

fn sign(attributes: &mut Attributes, signers: &[Signer]) {
    let signed = RestrictedExpression::new_bool(!signers.is_empty());
    attributes.insert("signed".to_owned(), signed);
    let signers = signers.iter().map(|signer| text(&signer.to_string()));
    attributes.insert("signers".to_owned(), RestrictedExpression::new_set(signers));
}

fn circumstances(request: &Request) -> Attributes {
    let mut context = HashMap::from([("now".to_owned(), moment(request.now()))]);
    insert_some(&mut context, "source", request.source().map(address));
    context
}

fn entity(
    uid: EntityUid,
    attributes: Attributes,
    parents: impl IntoIterator<Item = EntityUid>,
) -> Option<Entity> {
    Entity::new(uid, attributes, parents.into_iter().collect::<HashSet<_>>()).ok()
}

fn named(name: &Name) -> Attributes {
    HashMap::from([("name".to_owned(), text(name.as_str()))])
}

fn role_uid(role: &Name) -> EntityUid {
    uid(&ROLE, role.as_str())
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

fn kind(name: &str) -> EntityTypeName {
    name.parse().expect("a literal type of the vocabulary")
}

fn insert_some(into: &mut Attributes, key: &str, value: Option<RestrictedExpression>) {
    if let Some(value) = value {
        into.insert(key.to_owned(), value);
    }
}

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

/// An IPv4 address that came through an IPv6 socket is the IPv4 address: ranges are written for that.
fn address(address: IpAddr) -> RestrictedExpression {
    RestrictedExpression::new_ip(address.to_canonical().to_string())
}

/// Cedar reads years of four digits; a clock beyond them is a broken clock, and is clamped.
fn moment(at: SystemTime) -> RestrictedExpression {
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    let at = at.clamp(UNIX_EPOCH, UNIX_EPOCH + LAST);
    RestrictedExpression::new_datetime(humantime::format_rfc3339_millis(at).to_string())
}
