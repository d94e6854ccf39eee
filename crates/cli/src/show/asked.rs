//! What a component asks for, a line each.

use airssys_wasm_model::{AccessWord, Asked};

/// Every ask of every kind, with its reason. All kinds are named, so that a new one cannot be left out.
pub(super) fn lines(asked: &Asked) -> Vec<String> {
    let Asked {
        files,
        http,
        net,
        dns,
        listen,
        env,
        secrets,
        keyvalue,
        blobstore,
        messaging,
        services,
        process,
        unenforced,
        unstated: _,
    } = asked;
    let mut lines = Vec::new();
    let mut line = |what: String, reason: &str| lines.push(format!("{what}  ({reason})"));
    for ask in files {
        line(format!("files {} {}", ask.path, words(&ask.access)), &ask.reason);
    }
    for ask in http {
        let methods = match ask.methods.is_empty() {
            true => "any method".to_owned(),
            false => ask.methods.join(","),
        };
        line(format!("http {} {} {}", ask.host, methods, ask.path), &ask.reason);
    }
    for ask in net {
        line(format!("net {} {}", ask.to, ask.protocol), &ask.reason);
    }
    for ask in dns {
        line(format!("dns {}", ask.name), &ask.reason);
    }
    for ask in listen {
        let at = ask.address.map(|address| format!("at {address}, port "));
        let at = at.unwrap_or_default();
        line(format!("listen {at}{} {}", ask.port, ask.protocol), &ask.reason);
    }
    for ask in env {
        line(format!("env {}", ask.name), &ask.reason);
    }
    for ask in secrets {
        for host in &ask.hosts {
            line(format!("secrets {} sent to {host}", ask.name), &ask.reason);
        }
        if ask.revealed {
            line(format!("secrets {} revealed", ask.name), &ask.reason);
        }
    }
    for ask in keyvalue {
        line(format!("keyvalue {} {}", ask.bucket, words(&ask.access)), &ask.reason);
    }
    for ask in blobstore {
        line(format!("blobstore {} {}", ask.container, words(&ask.access)), &ask.reason);
    }
    for ask in messaging {
        line(format!("messaging {} {}", ask.topic, words(&ask.access)), &ask.reason);
    }
    for ask in services {
        let function = ask.function.as_ref().map(|function| format!("#{function}"));
        line(format!("services {}{}", ask.name, function.unwrap_or_default()), &ask.reason);
    }
    for ask in process {
        line(format!("process {}", ask.name), &ask.reason);
    }
    lines.extend(unenforced.iter().map(|kind| format!("{kind}  (not enforced yet: refused)")));
    lines
}

fn words<W: AccessWord>(words: &[W]) -> String {
    let words: Vec<_> = words.iter().map(|word| word.as_str()).collect();
    words.join(",")
}

#[cfg(test)]
mod tests {
    use airssys_wasm_model::Manifest;

    use super::*;

    #[test]
    fn an_ask_of_each_kind_has_its_line() {
        let manifest = Manifest::parse(
            r#"
            [component]
            name = "shop"
            version = "1.0.0"
            [capabilities]
            files = [{ path = "/data/**", access = ["read"], reason = "a" }]
            http = [{ host = "api.example.com", methods = ["GET"], reason = "b" }]
            net = [{ to = "smtp.example.com:25", protocol = "tcp", reason = "c" }]
            dns = [{ name = "example.com", reason = "d" }]
            listen = [{ port = "9000", protocol = "tcp", reason = "e" }]
            env = [{ name = "TZ", reason = "f" }]
            secrets = [{ name = "stripe", hosts = ["api.stripe.com"], revealed = true, reason = "g" }]
            keyvalue = [{ bucket = "sessions", access = ["read", "write"], reason = "h" }]
            blobstore = [{ container = "images", access = ["read"], reason = "i" }]
            services = [{ name = "tokenizer", function = "split", reason = "j" }]
            process = [{ name = "thumbs", reason = "k" }]
            "#,
        );
        insta::assert_snapshot!(lines(&manifest.unwrap().asked).join("\n"), @r"
        files /data/** read  (a)
        http api.example.com GET /**  (b)
        net smtp.example.com:25 tcp  (c)
        dns example.com  (d)
        listen 9000 tcp  (e)
        env TZ  (f)
        secrets stripe sent to api.stripe.com  (g)
        secrets stripe revealed  (g)
        keyvalue sessions read,write  (h)
        blobstore images read  (i)
        services tokenizer#split  (j)
        process thumbs  (k)
        ");
    }
}
