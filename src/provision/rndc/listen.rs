//! Where nsbridge offers the first contents of new zones.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// An address of this host with one port, or with a range of ports; port 0 alone means any free port.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Listen {
    ip: IpAddr,
    first: u16,
    last: u16,
}

impl Listen {
    /// Returns the address with each port.
    pub(super) fn addresses(self) -> impl Iterator<Item = SocketAddr> {
        (self.first..=self.last).map(move |port| SocketAddr::new(self.ip, port))
    }

    /// Returns whether there are several ports.
    pub(super) fn is_range(self) -> bool {
        self.first < self.last
    }

    /// Returns the address with port 0 if any free port will do.
    pub(super) fn any_port(self) -> Option<SocketAddr> {
        (self.first == 0).then(|| SocketAddr::new(self.ip, 0))
    }
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Self {
            ip: address.ip(),
            first: address.port(),
            last: address.port(),
        }
    }
}

/// A text that is no [`Listen`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ParseListenError;

/// Reads `198.51.100.7:5300` or `198.51.100.7:5300-5309`; an IPv6 address is in brackets.
impl FromStr for Listen {
    type Err = ParseListenError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((start, last)) = text.rsplit_once('-') else {
            let address: SocketAddr = text.parse().map_err(|_| ParseListenError)?;
            return Ok(address.into());
        };
        let start: SocketAddr = start.parse().map_err(|_| ParseListenError)?;
        let is_number = last.bytes().all(|octet| octet.is_ascii_digit());
        let last = last.parse().ok().filter(|_| is_number);
        let last = last.ok_or(ParseListenError)?;
        if start.port() == 0 || last < start.port() {
            return Err(ParseListenError);
        }
        Ok(Self {
            last,
            ..start.into()
        })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", SocketAddr::new(self.ip, self.first))?;
        if self.is_range() {
            write!(f, "-{}", self.last)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_printed_and_nothing_else_is_read() {
        for text in [
            "198.51.100.7:0",
            "198.51.100.7:5300",
            "198.51.100.7:5300-5309",
            "[2001:db8::7]:5300-65535",
        ] {
            assert_eq!(text.parse::<Listen>().unwrap().to_string(), text);
        }
        let one: Listen = "198.51.100.7:5300-5300".parse().unwrap();
        assert_eq!(one.to_string(), "198.51.100.7:5300");
        for text in [
            "",
            "198.51.100.7",
            "198.51.100.7:5300-",
            "198.51.100.7:5300-5299",
            "198.51.100.7:0-9",
            "198.51.100.7:5300-+5309",
            "198.51.100.7:5300-65536",
            "2001:db8::7:5300-5309",
            "localhost:5300-5309",
        ] {
            assert_eq!(text.parse::<Listen>(), Err(ParseListenError), "{text}");
        }
    }
}
