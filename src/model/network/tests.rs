//! Reverse names and networks.

use super::*;

fn reverse_zone(network: &str, address: &str) -> String {
    let network: Network = network.parse().unwrap();
    network.reverse_zone(address.parse().unwrap()).to_string()
}

#[test]
fn reverse_names_are_those_of_the_rfcs() {
    let name = |address: &str| reverse_name(address.parse().unwrap()).to_string();
    assert_eq!(name("192.0.2.5"), "5.2.0.192.in-addr.arpa.");
    assert_eq!(
        name("2001:0db8:0051:0000:0000:0000:0000:0021"),
        "1.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.5.0.0.8.b.d.0.1.0.0.2.ip6.arpa."
    );
}

#[test]
fn the_zone_lies_inside_the_network() {
    assert_eq!(
        reverse_zone("192.0.2.0/24", "192.0.2.5"),
        "2.0.192.in-addr.arpa."
    );
    assert_eq!(reverse_zone("10.0.0.0/8", "10.1.2.3"), "10.in-addr.arpa.");
    assert_eq!(
        reverse_zone("198.51.96.0/20", "198.51.100.7"),
        "100.51.198.in-addr.arpa."
    );
    assert_eq!(
        reverse_zone("192.0.2.64/26", "192.0.2.65"),
        "65.2.0.192.in-addr.arpa."
    );
    assert_eq!(
        reverse_zone("2001:db8::/48", "2001:db8::1"),
        "0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."
    );
    assert_eq!(
        reverse_zone("2001:db8::/46", "2001:db8:1::1"),
        "1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."
    );
    assert_eq!(reverse_zone("0.0.0.0/0", "192.0.2.5"), "in-addr.arpa.");
}

#[test]
fn networks_hold_their_addresses_and_no_others() {
    let network: Network = "192.0.2.0/25".parse().unwrap();
    assert!(network.contains("192.0.2.127".parse().unwrap()));
    assert!(!network.contains("192.0.2.128".parse().unwrap()));
    assert!(!network.contains("::".parse().unwrap()));
    let network: Network = "::/0".parse().unwrap();
    assert!(network.contains("2001:db8::1".parse().unwrap()));
    assert_eq!("192.0.2.0".parse::<Network>(), "192.0.2.0/32".parse());
    assert_eq!("192.0.2.0/".parse::<Network>(), Err(NetworkError::Form));
    assert_eq!(
        "192.0.2.0/33".parse::<Network>(),
        Err(NetworkError::Prefix(32))
    );
    let proper = "192.0.2.0/24".parse().unwrap();
    assert_eq!(
        "192.0.2.1/24".parse::<Network>(),
        Err(NetworkError::HostBits(proper))
    );
}

#[test]
fn the_cuts_of_a_network_cover_it() {
    let reverse_zones = |text: &str| {
        let network: Network = text.parse().unwrap();
        let reverse_zones = network
            .reverse_zones()
            .into_iter()
            .map(|reverse_zone| reverse_zone.to_string());
        reverse_zones.collect::<Vec<_>>()
    };
    assert_eq!(reverse_zones("192.0.2.0/24"), ["2.0.192.in-addr.arpa."]);
    assert_eq!(
        reverse_zones("192.0.2.0/23"),
        ["2.0.192.in-addr.arpa.", "3.0.192.in-addr.arpa."]
    );
    assert_eq!(reverse_zones("0.0.0.0/0"), ["in-addr.arpa."]);
    assert_eq!(reverse_zones("128.0.0.0/1").len(), 128);
    assert_eq!(reverse_zones("192.0.2.7").len(), 1);
    assert_eq!(
        reverse_zones("2001:db8::/31"),
        ["8.b.d.0.1.0.0.2.ip6.arpa.", "9.b.d.0.1.0.0.2.ip6.arpa."]
    );
    assert_eq!(reverse_zones("::/0"), ["ip6.arpa."]);
}

#[test]
fn the_network_around_an_address_holds_it() {
    for (address, network) in [
        ("192.0.2.7", "192.0.2.0/24"),
        ("2001:db8::7", "2001:db8::/64"),
    ] {
        assert_eq!(
            Network::around(address.parse().unwrap()).to_string(),
            network
        );
    }
}

#[test]
fn a_reverse_name_stands_for_a_network_whatever_is_in_front_of_it() {
    let network = |name: &str| network_of(&name.parse().unwrap()).map(|it| it.to_string());
    for (name, expected) in [
        ("in-addr.arpa.", "0.0.0.0/0"),
        ("192.IN-ADDR.ARPA.", "192.0.0.0/8"),
        ("2.0.192.in-addr.arpa.", "192.0.2.0/24"),
        ("0/25.2.0.192.in-addr.arpa.", "192.0.2.0/24"),
        ("02.0.192.in-addr.arpa.", "192.0.0.0/16"),
        ("300.2.0.192.in-addr.arpa.", "192.0.2.0/24"),
        ("x.7.2.0.192.in-addr.arpa.", "192.0.2.7/32"),
        ("9.7.2.0.192.in-addr.arpa.", "192.0.2.7/32"),
        ("ip6.arpa.", "::/0"),
        ("D.0.1.0.0.2.ip6.arpa.", "2001:d00::/24"),
        ("8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8::/32"),
        ("10.8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8::/32"),
    ] {
        assert_eq!(network(name).as_deref(), Some(expected), "{name}");
    }
    for name in [
        ".",
        "arpa.",
        "in-addr.example.",
        "home.arpa.",
        "xin-addr.arpa.",
    ] {
        assert_eq!(network(name), None, "{name}");
    }
    let covers = |wide: &str, narrow: &str| {
        let network = |text: &str| text.parse::<Network>().unwrap();
        network(wide).covers(&network(narrow))
    };
    assert!(covers("192.0.2.0/24", "192.0.2.0/24") && covers("192.0.2.0/24", "192.0.2.7"));
    assert!(!covers("192.0.2.0/25", "192.0.2.0/24") && !covers("192.0.2.0/24", "192.0.3.0/24"));
    assert!(!covers("0.0.0.0/0", "::/0"));
}
