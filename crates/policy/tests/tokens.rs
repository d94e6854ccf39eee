//! Tokens: who is believed, until when, and what is kept.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use airssys_wasm_policy::{
    Presented, PresentedError, SECRET_PREFIX, TokenDraw, TokenError, TokenRecord, TokenSecret,
    VerifyError,
};
use rand::prelude::*;

const HOUR: Duration = Duration::from_secs(3600);

fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_769_860_800)
}

fn draw(seed: u64) -> TokenDraw {
    let mut bytes = [0; 37];
    StdRng::seed_from_u64(seed).fill(&mut bytes[..]);
    bytes
}

fn create(seed: u64, lifetime: Option<Duration>) -> (TokenRecord, TokenSecret) {
    let roles = ["deployer".parse().unwrap()].into();
    TokenRecord::create("ci".parse().unwrap(), roles, start(), lifetime, &draw(seed)).unwrap()
}

fn present(secret: &TokenSecret) -> Presented {
    secret.reveal().parse().unwrap()
}

#[test]
fn its_holder_is_believed_with_its_name_and_roles() {
    let (record, secret) = create(1, None);
    let presented = present(&secret);
    assert_eq!(*presented.id(), record.id);
    let principal = record.verify(&presented, start() + 1000 * HOUR).unwrap();
    assert_eq!(principal.name(), "ci");
    assert_eq!(
        principal.roles().iter().map(|role| role.as_str()).collect::<Vec<_>>(),
        ["deployer"]
    );
}

#[test]
fn it_is_worth_nothing_from_its_end_on() {
    let (record, secret) = create(1, Some(HOUR));
    let end = start() + HOUR;
    let presented = present(&secret);
    assert!(record.verify(&presented, end - Duration::from_millis(1)).is_ok());
    assert_eq!(record.verify(&presented, end).unwrap_err(), VerifyError::Expired(end));
}

#[test]
fn another_secret_is_wrong_also_under_the_same_id() {
    let (record, _) = create(1, Some(HOUR));
    let mut other = draw(1);
    other[36] ^= 1;
    let other: Presented = TokenSecret::of(&other).reveal().parse().unwrap();
    assert_eq!(*other.id(), record.id);
    // Also where it has expired: only the holder learns that.
    for now in [start(), start() + 2 * HOUR] {
        assert_eq!(record.verify(&other, now).unwrap_err(), VerifyError::Wrong);
    }
}

#[test]
fn a_slip_of_the_pen_is_told_from_a_wrong_token() {
    let (_, secret) = create(1, None);
    let text = secret.reveal();
    assert_eq!(text.len(), 70);
    for at in SECRET_PREFIX.len()..text.len() {
        let mut slipped = text.as_bytes().to_vec();
        slipped[at] = if slipped[at] == b'a' { b'b' } else { b'a' };
        let slipped = String::from_utf8(slipped).unwrap();
        assert_eq!(slipped.parse::<Presented>().unwrap_err(), PresentedError::Checksum, "{at}");
    }
    for other in
        ["", "awt_", "awt_é", &text[1..], &text[..69], &text.to_uppercase(), &format!("{text} ")]
    {
        assert_eq!(other.parse::<Presented>().unwrap_err(), PresentedError::Form, "{other}");
    }
}

#[test]
fn no_two_draws_make_the_same_token() {
    let mut seen = std::collections::HashSet::new();
    for bit in 0..37 * 8 {
        let mut flipped = draw(1);
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(
            seen.insert(TokenSecret::of(&flipped).reveal().to_owned()),
            "bit {bit} changes nothing"
        );
    }
}

#[test]
fn the_secret_is_neither_kept_nor_shown() {
    let (record, secret) = create(1, Some(HOUR));
    let hidden = &secret.reveal()[12..64];
    let kept = serde_json::to_string(&record).unwrap();
    let shown = format!("{record:?} {secret:?} {:?}", present(&secret));
    assert!(!kept.contains(hidden) && !shown.contains(hidden), "{kept} {shown}");
}

#[test]
fn a_record_survives_its_json_and_says_no_more_than_this() {
    let (record, secret) = create(1, Some(HOUR));
    let text = serde_json::to_string_pretty(&record).unwrap();
    insta::assert_snapshot!(text, @r#"
    {
      "id": "memdbu3e",
      "name": "ci",
      "roles": [
        "deployer"
      ],
      "created": "2026-01-31T12:00:00.000Z",
      "expires": "2026-01-31T13:00:00.000Z",
      "hash": "dac838e2ed5bd4ab5e3f6691a738f89f81b261d8015b1a939b28399d5139a01b"
    }
    "#);
    let read: TokenRecord = serde_json::from_str(&text).unwrap();
    assert_eq!(read, record);
    assert!(read.verify(&present(&secret), start()).is_ok());
    let (endless, _) = create(2, None);
    let text = serde_json::to_string(&endless).unwrap();
    assert!(!text.contains("expires"));
    assert_eq!(serde_json::from_str::<TokenRecord>(&text).unwrap(), endless);
}

#[test]
fn a_token_has_a_role_and_a_time_to_live() {
    let create = |roles: Vec<String>, lifetime| {
        let roles = roles.iter().map(|role| role.parse().unwrap()).collect();
        TokenRecord::create("ci".parse().unwrap(), roles, start(), lifetime, &draw(1)).unwrap_err()
    };
    let one = || vec!["reader".to_owned()];
    assert_eq!(create(vec![], None), TokenError::NoRoles);
    assert_eq!(create(one(), Some(Duration::ZERO)), TokenError::NoTime);
    assert_eq!(create(one(), Some(Duration::MAX)), TokenError::TooLong);
    let many = (0..17).map(|n| format!("r{n}")).collect();
    assert_eq!(create(many, None), TokenError::TooManyRoles { given: 17 });
}
