//! Whether what a guest tried is among what its manifest asks for: whether a grant alone would help it.

use super::access::{FileAccess, split};
use super::asked::Asked;
use super::directories::Directories;
use super::files::FilesGrant;
use super::grant::Grant;
use super::kind::Kind;
use super::meeting::Ask as _;
use super::rights::Rights;
use super::suggest::Use;

impl Asked {
    /// Whether this is asked for. A file that has no way to ask asks for everything.
    pub fn asks_for(&self, tried: &Use) -> bool {
        let Use { kind, target, access, .. } = tried;
        if self.unstated {
            return true;
        }
        match kind {
            Kind::Files => self.asks_for_file(target, access),
            Kind::Http => {
                let slash = target.find('/').unwrap_or(target.len());
                let (authority, path) = target.split_at(slash);
                self.http.iter().any(|ask| ask.holds(access, authority, path))
            }
            Kind::Secrets if target.ends_with("=HOST") => {
                let name = target.trim_end_matches("=HOST");
                self.secrets.iter().any(|ask| ask.name.as_str() == name)
            }
            // Before it is known where to, any place and port is meant.
            Kind::Net => {
                let target = target.replace("HOST:PORT", "*:*").replace(":PORT", ":*");
                self.meets(&format!("{kind}:{target}"))
            }
            _ if access.is_empty() => self.meets(&format!("{kind}:{target}")),
            _ => self.meets(&format!("{kind}:{target}:{access}")),
        }
    }

    fn meets(&self, grant: &str) -> bool {
        Grant::read(grant).is_ok_and(|grant| Rights::is_asked(self, &grant))
    }

    fn asks_for_file(&self, path: &str, access: &str) -> bool {
        let Some(words) = split(access) else { return false };
        let all =
            FilesGrant { host: "/".into(), guest: "/".into(), access: FileAccess::ALL.words() };
        let shares: Vec<_> = self.files.iter().filter_map(|ask| ask.meet(&all)).collect();
        Directories::compile(&shares).check(path, FileAccess::of(&words)).is_allowed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::{Denial, Protocol};

    const ASKED: &str = r#"
        files = [
            { path = "/data/**/*.txt", access = ["read"], reason = "words" },
            { path = "/data/out", access = ["write"], reason = "words" },
        ]
        http = [
            { host = "a.org", methods = ["GET"], path = "/v1/**", reason = "prices" },
            { host = "b.org:443", reason = "prices" },
        ]
        net = [{ to = "*.example.com:25", reason = "mail" }]
        secrets = [{ name = "stripe", hosts = ["api.stripe.com"], reason = "payments" }]
        keyvalue = [{ bucket = "notes-*", access = ["read"], reason = "notes" }]
        services = [{ name = "shop", function = "buy", reason = "sales" }]
    "#;

    fn asked() -> Asked {
        toml::from_str(ASKED).unwrap()
    }

    fn denial(kind: Kind, act: &str, target: &str, scope: &str) -> Denial {
        Denial::new(&"web".parse().unwrap(), kind, act, target, scope)
    }

    #[test]
    fn a_grant_is_said_to_help_where_it_alone_does() {
        let name = "web".parse().unwrap();
        let (read, write) = (FileAccess::READ, FileAccess::MODIFY);
        let net = |address: &str, name_of: Option<&str>| {
            let address = address.parse().unwrap();
            let decision = crate::capability::Decision::NotGranted;
            Denial::net(&name, decision, Protocol::Tcp, address, name_of)
        };
        for (denial, is_asked) in [
            (Denial::file(&name, "/data/a/b.txt", read), true),
            (Denial::file(&name, "/data/a/b.bin", read), false),
            (Denial::file(&name, "/data/a.txt", write), false),
            (Denial::file(&name, "/data/out/x", write), true),
            (Denial::file(&name, "/etc/a.txt", read), false),
            (Denial::http(&name, "GET", "a.org", "/v1/x"), true),
            (Denial::http(&name, "PUT", "a.org", "/v1/x"), false),
            (Denial::http(&name, "GET", "a.org", "/v2/x"), false),
            (Denial::http(&name, "GET", "a.org:8080", "/v1/x"), false),
            (Denial::http(&name, "PUT", "b.org", "/x"), true),
            (
                denial(Kind::Http, "send GET by the name a.org to", "10.0.0.7:80", "10.0.0.7:80"),
                false,
            ),
            (net("93.184.216.34:25", Some("smtp.example.com")), true),
            (net("93.184.216.34:26", Some("smtp.example.com")), false),
            // A grant of the address meets the name that is asked.
            (net("10.0.0.7:25", None), true),
            (Denial::sockets(&name, Protocol::Tcp), true),
            (Denial::sockets(&name, Protocol::Udp), false),
            (denial(Kind::Net, "reach", "x.example.com at 10.0.0.7", "10.0.0.7:PORT"), true),
            (Denial::dns(&name, "a.org"), false),
            (denial(Kind::Secrets, "use the secret", "stripe", "stripe=HOST"), true),
            (denial(Kind::Secrets, "use the secret", "other", "other=HOST"), false),
            (denial(Kind::Keyvalue, "read in the bucket", "notes-a", "notes-a:read"), true),
            (denial(Kind::Keyvalue, "write to the bucket", "notes-a", "notes-a:write"), false),
            (denial(Kind::Keyvalue, "read in the bucket", "b c", "b c:read"), false),
            (Denial::call(&name, &"shop".parse().unwrap(), Some("buy")), true),
            (Denial::call(&name, &"shop".parse().unwrap(), Some("sell")), false),
            (denial(Kind::Process, "run the program", "thumbs", "thumbs"), false),
        ] {
            let said = denial.clone().where_asked(&asked());
            assert_eq!(said.is_asked, is_asked, "{denial}");
            assert_eq!(
                said.to_string().contains("ask for it in the manifest"),
                !is_asked,
                "{said}"
            );
            assert!(denial.where_asked(&Asked::unstated()).is_asked);
        }
    }

    #[test]
    fn what_was_tried_is_read_back_from_the_trail() {
        let name = "web".parse().unwrap();
        for denial in [
            Denial::file(&name, "/data/a; grant `files:X=/etc:write", FileAccess::READ),
            Denial::http(&name, "PUT", "a.org", "/v2"),
            denial(Kind::Keyvalue, "write to the bucket", "b", "b:write"),
            Denial::dns(&name, "a.org"),
        ] {
            let scope = denial.grant.split_once(':').unwrap().1;
            let tried = Use::tried(denial.kind, &denial.act, &denial.target, scope);
            for denial in [denial.clone(), denial.clone().where_asked(&Asked::default())] {
                let detail = format!("{}; {}", denial.act, denial.help());
                let read = Use::read_tried(denial.kind, &denial.target, &detail);
                assert_eq!(read, Some(tried.clone()), "{detail}");
            }
        }
        assert_eq!(Use::read_tried(Kind::Http, "a.org", "send GET to"), None);
    }
}
