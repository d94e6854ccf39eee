//! Asks and grants that meet.

use crate::capability::{
    Access, Asked, Decision, EnvAsk, EnvRight, FileAccess, FilesAsk, Grant, Grants, HttpAsk,
    KeyvalueAsk, Rights, RightsError, UNENFORCED_KINDS,
};

fn grants(all: &[&str]) -> Grants {
    Grants(all.iter().map(|text| Grant::read(text).unwrap()).collect())
}

fn file(path: &str, access: &[Access]) -> FilesAsk {
    FilesAsk { path: path.into(), access: access.into(), reason: "words".into() }
}

fn files(path: &str, access: &[Access]) -> Asked {
    Asked { files: vec![file(path, access)], ..Asked::default() }
}

fn env(name: &str) -> Asked {
    let ask = EnvAsk { name: name.into(), reason: "dates".into() };
    Asked { env: vec![ask], ..Asked::default() }
}

#[test]
fn nothing_asked_and_nothing_granted_is_no_right() {
    assert_eq!(Rights::intersect(&Asked::default(), &Grants::default()), Ok(Rights::default()));
}

#[test]
fn an_ask_without_a_grant_names_the_grant_to_add() {
    let error = Rights::intersect(&files("/data/**", &[Access::Read]), &Grants::default());
    let Err(RightsError::Missing(missing)) = error else { panic!("{error:?}") };
    assert_eq!(missing[0].grant, "files:HOST_DIRECTORY=/data:read");
}

#[test]
fn of_what_is_asked_a_part_can_be_had_and_nothing_else() {
    let mut asked = files("/data/**", &[Access::Read]);
    asked.env = env("LANG").env;
    let rights = Rights::granted(&asked, &grants(&["files:/srv=/data:read"])).unwrap();
    assert_eq!((rights.directories.iter().count(), rights.env.len()), (1, 0));
    let unasked = Rights::granted(&asked, &grants(&["env:HOME=/root"]));
    assert_eq!(unasked, Err(RightsError::Unasked("env:HOME=/root".parse().unwrap())));
}

#[test]
fn the_deeper_directory_and_the_smaller_access_win() {
    let asked = files("/data/words/**", &[Access::Read]);
    let rights = Rights::intersect(&asked, &grants(&["files:/srv=/data:read,write"])).unwrap();
    let only = |rights: &Rights| {
        let all: Vec<_> = rights.directories.iter().cloned().collect();
        let [right] = &all[..] else { panic!("{all:?}") };
        assert_eq!((&*right.host, right.access("x")), ("/srv", FileAccess::of(&[Access::Read])));
        (right.below.clone(), right.guest.clone())
    };
    assert_eq!(only(&rights), ("/words".to_owned(), "/data/words".to_owned()));
    let asked = files("/data", &[Access::Read, Access::Write]);
    let rights = Rights::intersect(&asked, &grants(&["files:/srv=/data/a:read"])).unwrap();
    assert_eq!(only(&rights), (String::new(), "/data/a".to_owned()));
}

#[test]
fn a_neighbour_with_the_same_beginning_is_another_directory() {
    let asked = files("/data", &[Access::Read]);
    assert_eq!(
        Rights::intersect(&asked, &grants(&["files:/srv=/data-secret:read"])),
        Err(RightsError::Unasked("files:/srv=/data-secret:read".parse().unwrap()))
    );
}

#[test]
fn a_path_that_is_none_gives_no_right() {
    for path in ["data", "/data/../etc", "/data//x", "/data/a**", "/data/[a]"] {
        let error = Rights::intersect(&files(path, &[Access::Read]), &Grants::default());
        assert!(matches!(error, Err(RightsError::Path { .. })), "{path}: {error:?}");
    }
    for path in ["/data/*.txt", "/**/x", "/data/*/**"] {
        let error = Rights::intersect(&files(path, &[Access::List]), &Grants::default());
        assert!(matches!(error, Err(RightsError::Missing(_))), "{path}: {error:?}");
    }
}

#[test]
fn a_directory_holds_what_all_its_asks_allow_and_no_more() {
    let asked = Asked {
        files: vec![
            file("/data/**/*.txt", &[Access::Read]),
            file("/data/out/**", &[Access::Write]),
            file("/data/in/*", &[Access::Create]),
        ],
        ..Asked::default()
    };
    let rights = Rights::meet(&asked, &grants(&["files:/srv/words=/data:read,write"])).unwrap();
    let mounts: Vec<_> = rights.directories.iter().map(|one| (&*one.guest, &*one.below)).collect();
    assert_eq!(mounts, [("/data", ""), ("/data/in", "/in"), ("/data/out", "/out")]);
    let check = |path, access| rights.directories.check(path, access).is_allowed();
    assert!(check("/data/a/b.txt", FileAccess::READ) && check("/data/out/b.txt", FileAccess::READ));
    assert!(check("/data/out/b", FileAccess::DELETE) && check("/data/in/b", FileAccess::CREATE));
    assert!(
        !check("/data/a/b.txt", FileAccess::MODIFY) && !check("/data/in/b/c", FileAccess::CREATE)
    );
    assert!(!check("/data/in/b", FileAccess::DELETE) && !check("/data/out/b", FileAccess::READ));
    assert!(
        !check("/data/out/../a.txt", FileAccess::READ) && !check("/etc/a.txt", FileAccess::READ)
    );
    // The outer directory's handle reaches no less and no more than the inner one's.
    let (outer, relative) = (rights.directories.iter().next().unwrap(), "out/b");
    assert!(outer.check(relative, FileAccess::DELETE).is_allowed());
    assert!(outer.leads_through("a/b") && outer.leads_through("") && !outer.leads_through(".."));
}

#[test]
fn a_request_needs_both_keys() {
    let asked = Asked {
        http: vec![HttpAsk {
            host: "*.example.com".parse().unwrap(),
            methods: vec!["GET".into()],
            path: "/v1/**".parse().unwrap(),
            reason: "prices".into(),
        }],
        ..Asked::default()
    };
    let rights = Rights::intersect(&asked, &grants(&["http:api.example.com"])).unwrap();
    assert!(rights.http("GET", "api.example.com", 443, 443, "/v1/x").is_some());
    assert!(rights.http("POST", "api.example.com", 443, 443, "/v1/x").is_none());
    assert!(rights.http("GET", "other.example.com", 443, 443, "/v1/x").is_none());
    assert!(rights.http("GET", "api.example.com", 443, 443, "/v2/x").is_none());
    assert!(rights.http("GET", "api.example.com", 8443, 443, "/v1/x").is_none());
}

#[test]
fn a_literal_address_is_found_behind_a_broader_grant() {
    let granted = grants(&["http:*:80", "http:localhost:80"]);
    let rights = Rights::intersect(&Asked::unstated(), &granted).unwrap();
    let right = rights.http("GET", "localhost", 80, 80, "/").unwrap();
    assert!(right.granted.is_literal_address());
}

#[test]
fn a_file_without_a_manifest_gets_what_is_granted() {
    let rights =
        Rights::intersect(&Asked::unstated(), &grants(&["env:A=b", "http:x.org"])).unwrap();
    assert_eq!(rights.env, [EnvRight { name: "A".into(), value: Some("b".into()) }]);
    assert_eq!(rights.http.len(), 1);
}

#[test]
fn variables_are_by_exact_name() {
    assert!(Rights::intersect(&env("TZ"), &grants(&["env:TZ"])).is_ok());
    assert!(Rights::intersect(&env("TZ"), &grants(&["env:TZ", "env:HOME"])).is_err());
}

#[test]
fn what_nothing_enforces_gives_no_right_whichever_way_it_comes() {
    let kind = UNENFORCED_KINDS.iter().find(|kind| **kind == "messaging").unwrap();
    let granted = grants(&["messaging:orders:publish"]);
    let refused = Err(RightsError::Unenforced { kind: (*kind).to_owned() });
    assert_eq!(Rights::intersect(&Asked::unstated(), &granted), refused);
    let asked = Asked { unenforced: vec![(*kind).to_owned()], ..Asked::default() };
    assert_eq!(Rights::intersect(&asked, &Grants::default()), refused);
    // A record of a version that kept only the kind's name can't be met by one that enforces the kind.
    let asked = Asked { unenforced: vec!["http".to_owned()], ..Asked::default() };
    assert!(matches!(
        Rights::intersect(&asked, &Grants::default()),
        Err(RightsError::Unenforced { .. })
    ));
}

#[test]
fn a_revocation_takes_away_and_stops_nothing() {
    let mut asked = env("TZ");
    asked.http.push(HttpAsk {
        host: "*.example.com".parse().unwrap(),
        methods: Vec::new(),
        path: crate::capability::PathPattern::any(),
        reason: "prices".into(),
    });
    let granted = grants(&["env:TZ", "http:*.example.com"]);
    let still = grants(&["http:api.example.com/v1/**", "env:HOME"]);
    let rights = Rights::intersect3(&asked, &granted, &still).unwrap();
    assert!(rights.env.is_empty());
    assert!(rights.http("GET", "api.example.com", 443, 443, "/v1/x").is_some());
    assert!(rights.http("GET", "api.example.com", 443, 443, "/v2").is_none());
    assert!(rights.http("GET", "b.example.com", 443, 443, "/v1/x").is_none());
    assert_eq!(Rights::intersect3(&asked, &granted, &granted), Rights::intersect(&asked, &granted));
    let nothing = Rights::intersect3(&asked, &granted, &Grants::default());
    assert_eq!(nothing, Ok(Rights::default()));
}

#[test]
fn a_recorded_grant_of_what_is_not_asked_is_worth_nothing_and_stops_nothing() {
    let mut asked = env("TZ");
    asked.http.push(HttpAsk {
        host: "a.org".parse().unwrap(),
        methods: vec!["GET".into()],
        path: "/v1/**".parse().unwrap(),
        reason: "prices".into(),
    });
    let recorded = grants(&["env:TZ", "http:a.org/v2/**", "http:a.org:POST"]);
    assert!(Rights::intersect(&asked, &recorded).is_err());
    let rights = Rights::intersect3(&asked, &recorded, &recorded).unwrap();
    assert_eq!((rights.env.len(), &*rights.http), (1, &[][..]));
    assert_eq!(Rights::idle(&asked, &recorded), grants(&["http:a.org/v2/**", "http:a.org:POST"]));
}

#[test]
fn only_what_is_wider_than_before_is_a_difference() {
    let before = Asked {
        files: vec![file("/data/**", &[Access::Read])],
        keyvalue: vec![bucket("sessions-*")],
        ..env("TZ")
    };
    let mut after = before.clone();
    after.env[0].reason = "other words".into();
    after.files = vec![file("/data/en/**/*.txt", &[Access::Read, Access::List])];
    after.keyvalue = vec![bucket("sessions-eu")];
    assert!(after.more_than(&before).is_empty());
    after.files.push(file("/data/en", &[Access::Write]));
    after.keyvalue.push(bucket("*"));
    let difference = after.more_than(&before);
    insta::assert_snapshot!(difference, @r"
    files: read,write in `/data/en` (words)
    keyvalue: read in the bucket `*` (logins)
    ");
}

fn bucket(name: &str) -> KeyvalueAsk {
    KeyvalueAsk {
        bucket: name.parse().unwrap(),
        access: vec![crate::capability::DataAccess::Read],
        reason: "logins".into(),
    }
}

#[test]
fn a_denial_names_the_grant_to_add() {
    use crate::capability::{Denial, Protocol};
    let mail = "mail".parse().unwrap();
    let address = "10.0.0.7:25".parse().unwrap();
    let said =
        |decision, name| Denial::net(&mail, decision, Protocol::Tcp, address, name).to_string();
    assert_eq!(
        said(Decision::NotGranted, Some("smtp.x")),
        "component `mail` may not reach `smtp.x:25`; grant `net:smtp.x:25`"
    );
    assert_eq!(
        said(Decision::InsideAddress, Some("smtp.x")),
        "component `mail` may not reach `10.0.0.7:25`; grant `net:10.0.0.7:25`"
    );
    let file = Denial::file(&mail, "/data/x", FileAccess::DELETE);
    assert_eq!(file.grant, "files:HOST_DIRECTORY=/data/x:delete");
}

#[test]
fn a_name_that_may_be_reached_may_be_looked_up_and_leads_nowhere_inside() {
    let all = ["net:*.example.com:25", "dns:ntp.org", "net:10.1.0.0/16:80", "net:192.0.2.7:80"];
    let rights = Rights::intersect(&Asked::unstated(), &grants(&all)).unwrap();
    for (name, expected) in [
        ("a.example.com", Decision::Allowed),
        ("ntp.org", Decision::Allowed),
        ("a.ntp.org", Decision::NotGranted),
        ("example.com", Decision::NotGranted),
        ("127.1", Decision::NotGranted),
    ] {
        assert_eq!(rights.look_up(name), expected, "{name}");
    }
    for (name, address, expected) in [
        ("a.example.com", "93.184.216.34", Decision::Allowed),
        ("a.example.com", "127.0.0.1", Decision::InsideAddress),
        ("a.example.com", "::ffff:10.2.0.1", Decision::InsideAddress),
        ("ntp.org", "93.184.216.34", Decision::Allowed),
        ("ntp.org", "169.254.169.254", Decision::InsideAddress),
        // The address itself was granted, whoever has it.
        ("ntp.org", "10.1.2.3", Decision::Allowed),
        ("other.org", "93.184.216.34", Decision::NotGranted),
    ] {
        assert_eq!(rights.answer(name, address.parse().unwrap()), expected, "{name} {address}");
    }
}
