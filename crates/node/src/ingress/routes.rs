//! Which service answers at which host and path.

use std::collections::HashMap;
use std::sync::Arc;

use airssys_wasm_model::{Name, RevisionNumber};
use airssys_wasm_request::{prefixes, service_host};
use arc_swap::ArcSwap;

use crate::live::LiveService;

/// Where a service answers: a path prefix without a slash at its end; the root is the empty one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Route(String);

impl Route {
    /// The route that a manifest asks for, else `/<service>`.
    pub(crate) fn of(service: &Name, asked: Option<&str>) -> Self {
        match asked {
            Some(route) => Self(route.trim_end_matches('/').to_owned()),
            None => Self(format!("/{service}")),
        }
    }

    /// The route as a person writes it.
    pub(crate) fn as_str(&self) -> &str {
        if self.0.is_empty() { "/" } else { &self.0 }
    }
}

/// A route that another service holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the route `{route}` is held by service `{holder}`")]
pub(crate) struct RouteError {
    pub(crate) route: String,
    pub(crate) holder: Name,
}

/// The routes of a node. Read on every request through one atomic pointer; changed by replacing the whole.
#[derive(Default)]
pub(crate) struct Routes(ArcSwap<Table>);

#[derive(Clone, Default)]
struct Table {
    by_path: HashMap<Route, Arc<LiveService>>,
    by_name: HashMap<Name, Arc<LiveService>>,
    /// Also those that do not answer HTTP: other services call them by their handlers and functions.
    known: HashMap<Name, Arc<LiveService>>,
    /// The length of the longest route: of a longer path, only so much is looked at.
    longest: usize,
}

/// Where a request is to go.
pub(crate) struct Found {
    pub(crate) service: Arc<LiveService>,
    /// How many bytes of the path are its route.
    pub(crate) prefix: usize,
    /// The revision whose own address this is.
    pub(crate) revision: Option<RevisionNumber>,
}

impl Routes {
    /// The service for this host and path.
    pub(crate) fn find(&self, authority: &str, path: &str) -> Option<Found> {
        let table = self.0.load();
        let found = |service: &Arc<LiveService>, prefix, revision| {
            Some(Found { service: Arc::clone(service), prefix, revision })
        };
        if let Some(host) = service_host(authority)
            && let Some(service) = table.by_name.get(&*host.service)
        {
            return found(service, 0, host.revision);
        }
        prefixes(path, table.longest).find_map(|prefix| {
            table.by_path.get(prefix).and_then(|service| found(service, prefix.len(), None))
        })
    }

    /// The service of this name, whether it answers HTTP or not.
    pub(crate) fn named(&self, name: &Name) -> Option<Arc<LiveService>> {
        self.0.load().known.get(name).cloned()
    }

    /// Whether a service may take this route.
    pub(crate) fn check(&self, service: &Name, route: &Route) -> Result<(), RouteError> {
        match self.0.load().by_path.get(route) {
            Some(holder) if holder.name != *service => {
                Err(RouteError { route: route.as_str().to_owned(), holder: holder.name.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Gives a service this one route. The check and the change are one step.
    pub(crate) fn put(&self, service: &Arc<LiveService>, route: &Route) -> Result<(), RouteError> {
        if self.0.load().has(service, route) {
            return Ok(());
        }
        let mut taken = Ok(());
        self.0.rcu(|table| {
            let mut table = Table::clone(table);
            taken = table.put(service, route);
            table.measure();
            table
        });
        taken
    }

    /// Gives services their routes, one each or none, in one step; the errors of those that did not get theirs.
    pub(crate) fn put_all(
        &self,
        routes: Vec<(Arc<LiveService>, Option<Route>)>,
    ) -> Vec<RouteError> {
        let mut taken = Vec::new();
        self.0.rcu(|table| {
            let mut table = Table::clone(table);
            let put = routes.iter().map(|(service, route)| match route {
                Some(route) => table.put(service, route),
                None => {
                    table.put_without(service);
                    Ok(())
                }
            });
            taken = put.filter_map(Result::err).collect();
            table.measure();
            table
        });
        taken
    }

    /// Lets a service be called by others, and gives it no route.
    pub(crate) fn put_without(&self, service: &Arc<LiveService>) {
        self.0.rcu(|table| {
            let mut table = Table::clone(table);
            table.put_without(service);
            table.measure();
            table
        });
    }

    /// Forgets a service.
    pub(crate) fn remove(&self, service: &Name) {
        self.0.rcu(|table| {
            let mut table = Table::clone(table);
            table.remove(service);
            table.known.remove(service);
            table.measure();
            table
        });
    }
}

impl Table {
    fn put_without(&mut self, service: &Arc<LiveService>) {
        self.remove(&service.name);
        self.known.insert(service.name.clone(), Arc::clone(service));
    }

    /// Takes a service's routes away.
    fn remove(&mut self, service: &Name) {
        self.by_path.retain(|_, held| held.name != *service);
        self.by_name.remove(service);
    }

    fn put(&mut self, service: &Arc<LiveService>, route: &Route) -> Result<(), RouteError> {
        self.known.insert(service.name.clone(), Arc::clone(service));
        if let Some(holder) = self.by_path.get(route)
            && holder.name != service.name
        {
            let (route, holder) = (route.as_str().to_owned(), holder.name.clone());
            return Err(RouteError { route, holder });
        }
        if let Some(former) = self.by_name.insert(service.name.clone(), Arc::clone(service)) {
            self.by_path.retain(|_, held| held.name != former.name);
        }
        self.by_path.insert(route.clone(), Arc::clone(service));
        Ok(())
    }

    /// Whether this very service has this route.
    fn has(&self, service: &Arc<LiveService>, route: &Route) -> bool {
        let is =
            |held: Option<&Arc<LiveService>>| held.is_some_and(|held| Arc::ptr_eq(held, service));
        is(self.by_path.get(route)) && is(self.by_name.get(&service.name))
    }

    fn measure(&mut self) {
        self.longest = self.by_path.keys().map(|route| route.0.len()).max().unwrap_or(0);
    }
}

impl std::borrow::Borrow<str> for Route {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use airssys_wasm_request::revision_host;

    use super::*;

    fn service(name: &str) -> Arc<LiveService> {
        Arc::new(LiveService::new(name.parse().unwrap()))
    }

    fn routes() -> Routes {
        let routes = Routes::default();
        for (name, route) in [("a", None), ("b", Some("/a/b")), ("root", Some("/"))] {
            let service = service(name);
            routes.put(&service, &Route::of(&service.name, route)).unwrap();
        }
        routes
    }

    #[test]
    fn the_longest_route_answers() {
        let routes = routes();
        let find = |host: &str, path: &str| {
            let Found { service, prefix, revision } = routes.find(host, path).unwrap();
            assert_eq!(revision, None);
            (service.name.to_string(), prefix)
        };
        assert_eq!(find("localhost", "/a/x"), ("a".into(), 2));
        assert_eq!(find("localhost", "/a"), ("a".into(), 2));
        assert_eq!(find("localhost", "/a/b/c"), ("b".into(), 4));
        assert_eq!(find("localhost", "/ab"), ("root".into(), 0));
        assert_eq!(find("localhost", "/"), ("root".into(), 0));
        assert_eq!(find("b.localhost:8080", "/a/x"), ("b".into(), 0));
        assert_eq!(find("B.LocalHost.:8080", "/a/x"), ("b".into(), 0));
        assert_eq!(find("x.b.localhost", "/a"), ("a".into(), 2));
        assert_eq!(find("localhost", &format!("/a{}", "/b".repeat(5_000))), ("b".into(), 4));
        assert_eq!(find("localhost", &format!("/a{}", "b".repeat(5_000))), ("root".into(), 0));
        assert_eq!(find("ü", &"ü".repeat(50)), ("root".into(), 0));
        assert_eq!(find("localhost", "*"), ("root".into(), 0));
    }

    #[test]
    fn each_revision_has_an_address() {
        let routes = routes();
        let find = |host: &str| {
            let Found { service, prefix, revision } = routes.find(host, "/x").unwrap();
            (service.name.to_string(), prefix, revision.map(|revision| revision.0))
        };
        assert_eq!(find("r3.b.localhost:8080"), ("b".into(), 0, Some(3)));
        assert_eq!(find("R3.B.localhost."), ("b".into(), 0, Some(3)));
        let host = revision_host(RevisionNumber(12), &"b".parse().unwrap());
        assert_eq!(find(&host), ("b".into(), 0, Some(12)));
        for other in ["r.b", "r+3.b", "3.b", "r99999999999.b", "r3.x.b", "r3.nobody", "r3", ".b"] {
            assert_eq!(find(&format!("{other}.localhost")), ("root".into(), 0, None), "{other}");
        }
    }

    #[test]
    fn a_route_has_one_holder() {
        let routes = routes();
        let other = service("c");
        let taken = Route::of(&other.name, Some("/a"));
        assert_eq!(routes.put(&other, &taken).unwrap_err().holder.as_str(), "a");
        assert!(routes.check(&other.name, &taken).is_err());
        routes.remove(&"a".parse().unwrap());
        assert!(routes.put(&other, &taken).is_ok());
        assert_eq!(routes.find("localhost", "/a").unwrap().service.name.as_str(), "c");
    }

    #[test]
    fn a_service_without_a_route_is_known_by_its_name() {
        let (routes, name) = (routes(), "b".parse().unwrap());
        assert!(routes.named(&name).is_some());
        routes.put_without(&service("b"));
        assert!(routes.named(&name).is_some());
        assert_eq!(routes.find("b.localhost", "/a/b").unwrap().service.name.as_str(), "a");
        routes.remove(&name);
        assert!(routes.named(&name).is_none());
    }
}
