//! Reverse names of addresses, and the networks whose PTR records may be changed.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::name::Name;
use super::zone::ZoneName;

/// A network: an address with a prefix length; written alone, an address is its own network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why text is no [`Network`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NetworkError {
    /// It is not written as an address, or an address, a slash and a number.
    #[error("a network is written as `192.0.2.0/24` or `2001:db8::/48`")]
    Form,
    /// The prefix is longer than the address.
    #[error("the prefix length is more than {0}")]
    Prefix(u8),
    /// Bits are set behind the prefix.
    #[error("the address has bits set behind the prefix; the network is `{0}`")]
    HostBits(Network),
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Form)?;
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| NetworkError::Form)?,
            None => bits(address),
        };
        if prefix > bits(address) {
            return Err(NetworkError::Prefix(bits(address)));
        }
        let network = Self {
            address: masked(address, prefix),
            prefix,
        };
        if network.address == address {
            Ok(network)
        } else {
            Err(NetworkError::HostBits(network))
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Network {
    /// The network that a reverse zone mostly is for: the 256 addresses around one, or the /64.
    pub fn around(address: IpAddr) -> Self {
        let prefix = if address.is_ipv4() { 24 } else { 64 };
        Self {
            address: masked(address, prefix),
            prefix,
        }
    }

    /// All zones that the network implies, as [`Network::reverse_zone`] does for an address: one where it ends at a label
    /// boundary, and at most 128.
    pub fn reverse_zones(&self) -> Vec<ZoneName> {
        let label_bits = if self.address.is_ipv4() { 8 } else { 4 };
        let open = self.prefix.next_multiple_of(label_bits) - self.prefix;
        let shift = u32::from(bits(self.address) - self.prefix - open);
        let addresses = (0..1_u8 << open).map(|number| match self.address {
            IpAddr::V4(v4) => {
                let number = u32::from(number).checked_shl(shift).unwrap_or(0);
                IpAddr::from(Ipv4Addr::from_bits(v4.to_bits() | number))
            }
            IpAddr::V6(v6) => {
                let number = u128::from(number).checked_shl(shift).unwrap_or(0);
                IpAddr::from(Ipv6Addr::from_bits(v6.to_bits() | number))
            }
        });
        addresses
            .map(|address| self.reverse_zone(address))
            .collect()
    }

    /// Returns whether the address is in the network.
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && masked(address, self.prefix) == self.address
    }

    /// Returns whether all addresses of another network are in this one.
    pub fn covers(&self, other: &Self) -> bool {
        self.prefix <= other.prefix && self.contains(other.address)
    }

    /// The prefix length in bits.
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// The zone that the network implies for an address in it: its prefix, taken up to the next
    /// label boundary, so that the zone lies inside the network.
    pub fn reverse_zone(&self, address: IpAddr) -> ZoneName {
        let label_bits = if address.is_ipv4() { 8 } else { 4 };
        let labels = usize::from(self.prefix.div_ceil(label_bits));
        let mut name = reverse_name(address);
        while name.label_count() > labels + 2 {
            name = name
                .parent()
                .expect("a reverse name has more labels than its network");
        }
        ZoneName::new(&name)
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

/// The name below `in-addr.arpa` (RFC 1035 section 3.5) or `ip6.arpa` (RFC 3596 section 2.5) that
/// stands for an address.
pub fn reverse_name(address: IpAddr) -> Name {
    let (labels, suffix): (Vec<String>, &str) = match address {
        IpAddr::V4(v4) => (
            v4.octets().iter().rev().map(u8::to_string).collect(),
            "in-addr",
        ),
        IpAddr::V6(v6) => {
            let nibbles = v6
                .octets()
                .into_iter()
                .rev()
                .flat_map(|o| [o & 0xf, o >> 4]);
            (nibbles.map(|nibble| format!("{nibble:x}")).collect(), "ip6")
        }
    };
    let labels = labels
        .iter()
        .map(String::as_bytes)
        .chain([suffix.as_bytes(), b"arpa"]);
    Name::from_labels(labels).expect("at most 34 short labels")
}

/// Returns the network of the addresses whose reverse names are at or below a name. Labels in front that are part of no
/// address, as those of RFC 2317, leave the network as it is without them. `None` if the name is neither in `in-addr.arpa`
/// nor in `ip6.arpa`.
pub fn network_of(name: &Name) -> Option<Network> {
    let labels: Vec<String> = name
        .labels()
        .map(|label| label.escape_ascii().to_string().to_ascii_lowercase())
        .collect();
    let (labels, is_v4) = match labels.split_last_chunk::<2>()? {
        (labels, [tree, arpa]) if arpa == "arpa" && tree == "in-addr" => (labels, true),
        (labels, [tree, arpa]) if arpa == "arpa" && tree == "ip6" => (labels, false),
        _ => return None,
    };
    let labels = labels.iter().rev();
    if is_v4 {
        let octets = labels.map_while(|label| {
            let octet = label.parse::<u8>().ok();
            octet.filter(|octet| octet.to_string() == *label)
        });
        let octets: Vec<u8> = octets.take(4).collect();
        let mut address = [0; 4];
        address[..octets.len()].copy_from_slice(&octets);
        return Some(Network {
            address: address.into(),
            prefix: 8 * u8::try_from(octets.len()).ok()?,
        });
    }
    let digits = labels.map_while(|label| {
        let digit = u8::from_str_radix(label, 16).ok();
        digit.filter(|digit| *digit < 16 && format!("{digit:x}") == *label)
    });
    let digits: Vec<u8> = digits.take(32).collect();
    let mut address = [0; 16];
    for (index, digit) in digits.iter().enumerate() {
        address[index / 2] |= digit << if index % 2 == 0 { 4 } else { 0 };
    }
    Some(Network {
        address: address.into(),
        prefix: 4 * u8::try_from(digits.len()).ok()?,
    })
}

/// The address that a reverse name stands for; none where it stands for none.
pub fn address_of(name: &Name) -> Option<IpAddr> {
    let labels: Option<Vec<&str>> = name
        .labels()
        .map(|label| std::str::from_utf8(label).ok())
        .collect();
    let mut labels = labels?;
    labels.truncate(labels.len().checked_sub(2)?);
    labels.reverse();
    let address: IpAddr = if labels.len() == 4 {
        labels.join(".").parse().ok()?
    } else {
        let groups: Vec<String> = labels.chunks(4).map(<[&str]>::concat).collect();
        groups.join(":").parse().ok()?
    };
    // Whatever else reads as an address is no reverse name.
    (reverse_name(address) == *name).then_some(address)
}

#[cfg(test)]
mod tests;
