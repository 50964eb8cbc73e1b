//! Network addresses: PostgreSQL's functions on `inet` and `cidr`, which are texts here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

use super::define::{Function, Gives};
use super::value::{Kind, Row};
use crate::proxy::postgres::error::SqlError;

/// An address and how many of its bits name a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Inet {
    address: IpAddr,
    length: u8,
}

/// Bits of an address.
fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl Inet {
    /// Reads what PostgreSQL reads as `inet`.
    fn read(text: &str) -> Result<Self, SqlError> {
        let refused = || {
            SqlError::new(
                "22P02",
                format!("invalid input syntax for type inet: \"{text}\""),
            )
        };
        let (address, length) = match text.trim().split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| refused())?;
        let width = width(address);
        let length = match length {
            None => width,
            Some(length) if length.len() <= 3 && length.bytes().all(|b| b.is_ascii_digit()) => {
                length
                    .parse()
                    .ok()
                    .filter(|length| *length <= width)
                    .ok_or_else(refused)?
            }
            Some(_) => return Err(refused()),
        };
        Ok(Self { address, length })
    }

    /// Reads what PostgreSQL reads as `cidr`, where an IPv4 network may lack its last bytes.
    fn read_network(text: &str) -> Result<Self, SqlError> {
        let refused = || {
            SqlError::new(
                "22P02",
                format!("invalid input syntax for type cidr: \"{text}\""),
            )
        };
        let (address, length) = match text.trim().split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text.trim(), None),
        };
        let read = match address.contains(':') {
            true => Self::read(text).map_err(|_| refused())?,
            false => {
                let bytes = address.split('.').count();
                let full = format!("{address}{}", ".0".repeat(4usize.saturating_sub(bytes)));
                let length = match (length, bytes) {
                    (Some(length), _) => length.to_owned(),
                    (None, 4) => "32".to_owned(),
                    (None, bytes) => {
                        let first = full
                            .split('.')
                            .next()
                            .and_then(|first| first.parse::<u8>().ok());
                        // The classes of networks of old.
                        let class = match first.ok_or_else(refused)? {
                            0..128 => 8,
                            128..192 => 16,
                            _ => 24,
                        };
                        class.max(bytes * 8).to_string()
                    }
                };
                Self::read(&format!("{full}/{length}")).map_err(|_| refused())?
            }
        };
        if read.network().address != read.address {
            return Err(
                SqlError::new("22P02", format!("invalid cidr value: \"{text}\""))
                    .with_detail("Value has bits set to right of mask."),
            );
        }
        Ok(read)
    }

    fn bits(self) -> u128 {
        match self.address {
            IpAddr::V4(address) => address.to_bits().into(),
            IpAddr::V6(address) => address.to_bits(),
        }
    }

    /// Ones where the network is, among the bits of the address.
    fn mask(self) -> u128 {
        let width = width(self.address);
        let all = if width == 128 {
            u128::MAX
        } else {
            u128::from(u32::MAX)
        };
        all & !(all.checked_shr(self.length.into()).unwrap_or(0))
    }

    fn with_bits(self, bits: u128) -> Self {
        let address = match self.address {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(bits as u32)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(bits)),
        };
        Self { address, ..self }
    }

    fn whole(self) -> Self {
        Self {
            length: width(self.address),
            ..self
        }
    }

    fn network(self) -> Self {
        self.with_bits(self.bits() & self.mask())
    }

    fn broadcast(self) -> Self {
        self.with_bits(self.bits() | self.hostmask())
    }

    fn hostmask(self) -> u128 {
        !self.mask()
            & Self {
                length: width(self.address),
                ..self
            }
            .mask()
    }

    /// Whether the other is in this network, which may be the same.
    fn contains(self, other: Self) -> bool {
        self.address.is_ipv4() == other.address.is_ipv4()
            && self.length <= other.length
            && other.bits() & self.mask() == self.bits() & self.mask()
    }

    fn with_length(self, length: i64) -> Result<Self, SqlError> {
        let width = width(self.address);
        let length = if length == -1 {
            i64::from(width)
        } else {
            length
        };
        match u8::try_from(length).ok().filter(|length| *length <= width) {
            Some(length) => Ok(Self { length, ..self }),
            None => Err(SqlError::new(
                "22023",
                format!("invalid mask length: {length}"),
            )),
        }
    }

    /// With the length, also where it is all bits.
    fn full_text(self) -> String {
        format!("{}/{}", self.address, self.length)
    }

    /// A text whose order is that of addresses.
    fn key(self) -> String {
        let (family, network, length, bits) = order(self);
        format!("{}{network:032x}{length:02x}{bits:032x}", u8::from(family))
    }

    /// As `inet` is printed: no length where it is all bits.
    fn text(self) -> String {
        match self.length == width(self.address) {
            true => self.address.to_string(),
            false => self.full_text(),
        }
    }

    /// The longest network that both are in.
    fn merged(self, other: Self) -> Self {
        let differing = self.bits() ^ other.bits();
        let spare = 128 - u32::from(width(self.address));
        let common = differing.leading_zeros() - spare;
        let length = common.min(self.length.into()).min(other.length.into());
        Self {
            length: length as u8,
            ..self
        }
        .network()
    }
}

/// An address in the text form that the catalog's columns have: `host` of a peer, also one that carries IPv4 in IPv6.
fn read(a: &Row<'_>, place: usize) -> Result<Inet, SqlError> {
    Inet::read(a.text(place))
}

/// The function that makes what is compared in the place of an address.
pub(in crate::catalog) const NETWORK_KEY: &str = "network_key";

fn order(inet: Inet) -> (bool, u128, u8, u128) {
    (
        !inet.address.is_ipv4(),
        inet.bits() & inet.mask(),
        inet.length,
        inet.bits(),
    )
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    use Kind::{Int, Text};
    let text = |name, of: fn(Inet) -> String| {
        Function::new(name)
            .on(&[Text], Gives::Text, move |a| Ok(of(read(a, 0)?).into()))
            .done()
    };
    let inet = |name, of: fn(Inet) -> String| {
        let gives = Gives::Named("inet");
        Function::new(name)
            .on(&[Text], gives, move |a| Ok(of(read(a, 0)?).into()))
            .done()
    };
    let number = |name, of: fn(Inet) -> i64| {
        Function::new(name)
            .on(&[Text], Gives::Int4, move |a| Ok(of(read(a, 0)?).into()))
            .done()
    };
    let compare = |name, of: fn(Inet, Inet) -> bool| {
        Function::new(name)
            .on(&[Text, Text], Gives::Bool, move |a| {
                Ok(of(read(a, 0)?, read(a, 1)?).into())
            })
            .done()
    };
    vec![
        inet("inet", Inet::text),
        Function::new("cidr")
            .on(&[Text], Gives::Named("cidr"), |a| {
                // Of an address the bits behind the network are left out; in a text they are a mistake.
                let is_address =
                    a.columns.first().and_then(|column| column.pg_type()) == Some("inet");
                let network = match is_address {
                    true => read(a, 0)?.network(),
                    false => Inet::read_network(a.text(0))?,
                };
                Ok(network.full_text().into())
            })
            .done(),
        Function::new(NETWORK_KEY)
            .on(&[Text], Gives::Text, |a| Ok(read(a, 0)?.key().into()))
            .done(),
        text("host", |inet| inet.address.to_string()),
        text("abbrev", Inet::text),
        Function::new("text")
            .on(&[Text], Gives::Text, |a| {
                let given = a.text(0);
                Ok(Inet::read(given)
                    .map_or_else(|_| given.to_owned(), Inet::full_text)
                    .into())
            })
            .on(&[Kind::Any], Gives::Text, |a| Ok(a.shown(0)?.into()))
            .done(),
        number("family", |inet| if inet.address.is_ipv4() { 4 } else { 6 }),
        number("masklen", |inet| inet.length.into()),
        inet("netmask", |inet| inet.with_bits(inet.mask()).whole().text()),
        inet("hostmask", |inet| {
            inet.with_bits(inet.hostmask()).whole().text()
        }),
        inet("broadcast", |inet| inet.broadcast().text()),
        Function::new("network")
            .on(&[Text], Gives::Named("cidr"), |a| {
                Ok(read(a, 0)?.network().full_text().into())
            })
            .done(),
        Function::new("set_masklen")
            .on(&[Text, Int], Gives::Named("inet"), |a| {
                Ok(read(a, 0)?.with_length(a.int(1))?.text().into())
            })
            .done(),
        Function::new("inet_merge")
            .on(&[Text, Text], Gives::Named("cidr"), |a| {
                let (one, two) = (read(a, 0)?, read(a, 1)?);
                if one.address.is_ipv4() != two.address.is_ipv4() {
                    return Err(SqlError::new(
                        "22023",
                        "cannot merge addresses from different families",
                    ));
                }
                Ok(one.merged(two).full_text().into())
            })
            .done(),
        compare("inet_same_family", |a, b| {
            a.address.is_ipv4() == b.address.is_ipv4()
        }),
        compare("network_sub", |a, b| b.contains(a) && b.length < a.length),
        compare("network_subeq", |a, b| b.contains(a)),
        compare("network_sup", |a, b| a.contains(b) && a.length < b.length),
        compare("network_supeq", Inet::contains),
        compare("network_overlap", |a, b| a.contains(b) || b.contains(a)),
        compare("network_eq", |a, b| order(a) == order(b)),
        compare("network_ne", |a, b| order(a) != order(b)),
        compare("network_lt", |a, b| order(a) < order(b)),
        compare("network_le", |a, b| order(a) <= order(b)),
        compare("network_gt", |a, b| order(a) > order(b)),
        compare("network_ge", |a, b| order(a) >= order(b)),
    ]
}
