//! Addresses and blocks of them, and which ones only a literal grant reaches.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An address or a CIDR block: `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`.
///
/// An IPv4 address written as IPv6 (`::ffff:192.0.2.7`) is the IPv4 address, here and where it is compared.
/// A block of IPv6 holds no IPv4 address, not even `::/0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct AddressBlock {
    first: u128,
    mask: u128,
    is_v4: bool,
}

/// Why a text is no block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// Neither four decimal numbers nor IPv6.
    #[error("`{0}` is not an address such as 192.0.2.7 or 2001:db8::1")]
    Address(String),
    /// The part after the slash.
    #[error("`/{0}` is not the length of a prefix")]
    Prefix(String),
    /// An address inside a block, where its first one is meant.
    #[error("`{written}` has digits behind its prefix: write `{meant}`")]
    Inexact {
        /// What was written.
        written: String,
        /// The block that it is in.
        meant: AddressBlock,
    },
}

impl AddressBlock {
    /// The block with this address alone.
    pub fn one(address: IpAddr) -> Self {
        let (first, is_v4) = key(address);
        Self { first, mask: u128::MAX, is_v4 }
    }

    /// Whether the address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (number, is_v4) = key(address);
        is_v4 == self.is_v4 && number & self.mask == self.first
    }

    /// Whether every address of `other` is in it.
    pub fn covers(&self, other: &Self) -> bool {
        self.is_v4 == other.is_v4
            && other.mask & self.mask == self.mask
            && other.first & self.mask == self.first
    }

    /// Whether it lies wholly in a range that only a literal grant reaches: naming it is naming that
    /// range, as naming `0.0.0.0/0` is not.
    pub fn is_inside(&self) -> bool {
        INSIDE.iter().any(|range| range.covers(self))
    }

    /// The only address in it, if there is only one.
    pub fn single(&self) -> Option<IpAddr> {
        (self.mask == u128::MAX).then(|| address(self.first))
    }

    const fn v4(first: [u8; 4], prefix: u32) -> Self {
        let first = V4_MAPPED | u32::from_be_bytes(first) as u128;
        Self { first, mask: u128::MAX << (32 - prefix), is_v4: true }
    }

    const fn v6(first: u16, prefix: u32) -> Self {
        let first = (first as u128) << 112;
        Self { first, mask: u128::MAX << (128 - prefix), is_v4: false }
    }

    fn prefix(&self) -> u32 {
        self.mask.leading_ones() - if self.is_v4 { 96 } else { 0 }
    }
}

const V4_MAPPED: u128 = 0xffff << 32;

/// Addresses that only something inside this machine or its network has, and those that a gateway turns into
/// such ones: what a name on the internet must not be able to lead to.
const INSIDE: [AddressBlock; 21] = [
    // "This network", RFC 791; private, RFC 1918; loopback, RFC 1122.
    AddressBlock::v4([0, 0, 0, 0], 8),
    AddressBlock::v4([10, 0, 0, 0], 8),
    AddressBlock::v4([172, 16, 0, 0], 12),
    AddressBlock::v4([192, 168, 0, 0], 16),
    AddressBlock::v4([127, 0, 0, 0], 8),
    // Carriers' shared space, RFC 6598; link-local with the clouds' metadata service, RFC 3927.
    AddressBlock::v4([100, 64, 0, 0], 10),
    AddressBlock::v4([169, 254, 0, 0], 16),
    // Protocol assignments and benchmarks, RFC 6890; multicast, RFC 5771; reserved and broadcast, RFC 1112.
    AddressBlock::v4([192, 0, 0, 0], 24),
    AddressBlock::v4([198, 18, 0, 0], 15),
    AddressBlock::v4([224, 0, 0, 0], 4),
    AddressBlock::v4([240, 0, 0, 0], 4),
    // Azure's metadata and DNS, which its machines reach at an address that looks public.
    AddressBlock::v4([168, 63, 129, 16], 32),
    // Below what is given out, RFC 3513: unspecified, loopback and IPv4-compatible, RFC 4291; NAT64, where the
    // IPv4 address inside is any, RFC 6052 and 8215; discard, RFC 6666.
    AddressBlock::v6(0, 3),
    // Protocol assignments with Teredo, RFC 2928 and 4380; 6to4, RFC 3056; once 6bone, RFC 3701.
    AddressBlock::v6(0x2001, 23),
    AddressBlock::v6(0x2002, 16),
    AddressBlock::v6(0x3ffe, 16),
    // Segment routing, RFC 9602.
    AddressBlock::v6(0x5f00, 16),
    // Unique local, RFC 4193; link-local, RFC 4291; site-local, RFC 3879; multicast, RFC 4291.
    AddressBlock::v6(0xfc00, 7),
    AddressBlock::v6(0xfe80, 10),
    AddressBlock::v6(0xfec0, 10),
    AddressBlock::v6(0xff00, 8),
];

/// Whether an address is private, loopback, link-local, multicast, unspecified, shared, or one that a gateway
/// may turn into such a one. A name that resolves to it leads nowhere; only a grant of the address does.
pub fn is_inside(address: IpAddr) -> bool {
    INSIDE.iter().any(|range| range.contains(address))
}

/// The address as a number, IPv4 in its place within IPv6, and whether it is IPv4.
fn key(address: IpAddr) -> (u128, bool) {
    let number = match address {
        IpAddr::V4(v4) => V4_MAPPED | u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    };
    (number, number >> 32 == 0xffff)
}

fn address(number: u128) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from(number)).to_canonical()
}

impl FromStr for AddressBlock {
    type Err = BlockError;

    fn from_str(text: &str) -> Result<Self, BlockError> {
        let (written, prefix) =
            text.split_once('/').map_or((text, None), |(ip, length)| (ip, Some(length)));
        let parsed: IpAddr =
            written.parse().map_err(|_| BlockError::Address(written.to_owned()))?;
        let one = Self::one(parsed);
        let Some(prefix) = prefix else { return Ok(one) };
        let wrong = || BlockError::Prefix(prefix.to_owned());
        let is_number = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
        let length: u32 = if is_number { prefix.parse().map_err(|_| wrong())? } else { 129 };
        // A mapped address has its prefix counted over all of the 128 bits it is written with.
        let space = if parsed.is_ipv4() { 32 } else { 128 };
        let free = u32::checked_sub(space, length).ok_or_else(wrong)?;
        if one.is_v4 && free > 32 {
            return Err(wrong());
        }
        let mask = u128::MAX.checked_shl(free).unwrap_or(0);
        let block = Self { first: one.first & mask, mask, ..one };
        if block.first == one.first {
            Ok(block)
        } else {
            Err(BlockError::Inexact { written: text.to_owned(), meant: block })
        }
    }
}

impl TryFrom<String> for AddressBlock {
    type Error = BlockError;

    fn try_from(text: String) -> Result<Self, BlockError> {
        text.parse()
    }
}

impl From<AddressBlock> for String {
    fn from(block: AddressBlock) -> Self {
        block.to_string()
    }
}

impl fmt::Display for AddressBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", address(self.first))?;
        if self.mask == u128::MAX { Ok(()) } else { write!(f, "/{}", self.prefix()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> AddressBlock {
        text.parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_address() {
        assert_eq!(block("::ffff:10.0.0.0/104"), block("10.0.0.0/8"));
        assert!(block("10.0.0.0/8").contains(ip("::ffff:10.1.2.3")));
        assert!(!block("::/0").contains(ip("10.1.2.3")));
        assert!(block("0.0.0.0/0").covers(&block("10.0.0.0/8")));
        assert!(!block("10.0.0.0/8").covers(&block("0.0.0.0/0")));
    }

    #[test]
    fn odd_spellings_are_no_addresses() {
        let odd = ["0x7f.1", "127.1", "2130706433", "0177.0.0.1", "010.0.0.1", "fe80::1%eth0", ""];
        for bad in odd.into_iter().chain(["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "::/129"]) {
            assert!(bad.parse::<AddressBlock>().is_err(), "{bad:?} was accepted");
        }
        let error = "10.1.2.3/8".parse::<AddressBlock>().unwrap_err();
        assert!(error.to_string().ends_with("write `10.0.0.0/8`"), "{error}");
    }

    #[test]
    fn what_is_inside_a_network_is_told_from_what_is_outside() {
        for inside in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.53",
            "169.254.169.254",
            "172.31.255.255",
            "192.168.1.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(is_inside(ip(inside)), "{inside}");
        }
        for outside in ["1.1.1.1", "100.128.0.1", "172.32.0.1", "192.0.1.1", "2606:4700::1111"] {
            assert!(!is_inside(ip(outside)), "{outside}");
        }
        assert!(block("10.1.0.0/16").is_inside() && !block("0.0.0.0/0").is_inside());
    }

    #[test]
    fn a_block_survives_its_text() {
        for text in ["192.0.2.7", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "::/0", "::1"] {
            assert_eq!(block(text).to_string(), text);
        }
    }
}
