//! Who can be reached from outside: `tcp 0.0.0.0:22` for everything that listens (proc(5), `/proc/net/tcp`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use super::text;

pub(super) fn listening(root: &Path) -> Vec<String> {
    let mut ports = Vec::new();
    for (name, protocol, state) in TABLES {
        let table = text(root, &format!("proc/net/{name}")).unwrap_or_default();
        let local = table.lines().skip(1).filter_map(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let (local, remote) = (fields.next()?, fields.next()?);
            let listens = fields.next()? == *state && remote.ends_with(":0000");
            listens.then(|| address(local)).flatten()
        });
        ports.extend(local.map(|local| format!("{protocol} {local}")));
    }
    ports
}

/// Hexadecimal: words of the address in the machine's own order, a colon, the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let bytes = hex::decode(ip).ok()?;
    let mut turned = Vec::new();
    for word in bytes.chunks_exact(4) {
        let word: [u8; 4] = word.try_into().ok()?;
        turned.extend(u32::from_be_bytes(word).to_ne_bytes());
    }
    let ip = match <[u8; 4]>::try_from(turned.as_slice()) {
        Ok(v4) => IpAddr::V4(Ipv4Addr::from(v4)),
        Err(_longer) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(turned).ok()?)),
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

/// File, protocol, and the state that means "listens": `TCP_LISTEN`, and for UDP a socket that is bound to no peer.
const TABLES: &[(&str, &str, &str)] = &[
    ("tcp", "tcp", "0A"),
    ("tcp6", "tcp", "0A"),
    ("udp", "udp", "07"),
    ("udp6", "udp", "07"),
];

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn finds_what_listens_on_this_machine() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else {
                continue;
            };
            let wanted = format!("tcp {}", listener.local_addr().unwrap());
            let found = listening(Path::new("/"));
            assert!(found.contains(&wanted), "{wanted} in {found:?}");
        }
    }

    #[test]
    fn an_odd_address_is_passed_over() {
        for text in [
            "",
            ":",
            "0100007F",
            "0100007F:zz",
            "01:0016",
            "zz00007F:0016",
        ] {
            assert_eq!(address(text), None, "{text}");
        }
    }
}
